package svg

// Token names a colour of the report's palette. The style sheet holds its light
// and dark value under the same name; Light is what a page without style shows.
type Token string

// The palette. Series colours differ for every kind of colour vision; ordered
// ones (P1…P4, H1…H8) run from weak to strong. Warn colours shapes, never words.
const (
	Background Token = "bg"
	Panel      Token = "panel"
	Ink        Token = "ink"
	Muted      Token = "mut"
	Border     Token = "line"
	Grid       Token = "grid"

	Delivered  Token = "c1"
	Recovering Token = "c2"
	Open       Token = "c3"
	FirstData  Token = "c4"
	Expected   Token = "c5"

	P50  Token = "p1"
	P90  Token = "p2"
	P99  Token = "p3"
	P999 Token = "p4"

	Pass    Token = "pass"
	Fail    Token = "fail"
	Warn    Token = "warn"
	Invalid Token = "invalid"
)

// Heat holds the eight levels of a heatmap, from few to many.
var Heat = [8]Token{"h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8"}

var light = map[Token]string{
	Background: "#ffffff", Panel: "#f6f8fa", Ink: "#1f2328", Muted: "#57606a", Border: "#d0d7de", Grid: "#e4e8ec",
	Delivered: "#1f83ee", Recovering: "#c97f0a", Open: "#1f7350", FirstData: "#aa2982", Expected: "#2c3434",
	P50: "#4f93d6", P90: "#1f6fc2", P99: "#0d4a8f", P999: "#062850",
	"h1": "#b5cfe9", "h2": "#94bade", "h3": "#73a4d3", "h4": "#518fc8", "h5": "#3676b1", "h6": "#255b8f", "h7": "#15416f", "h8": "#062850",
	Pass: "#007b69", Fail: "#8c090b", Warn: "#b08a12", Invalid: "#5c00b0",
}

// Light returns the colour on a light page as #rrggbb; that of Ink for a token
// that is not of the palette.
func (t Token) Light() string {
	if c, ok := light[t]; ok {
		return c
	}
	return light[Ink]
}

// Tokens returns the light value of every token, for comparison with a style sheet.
func Tokens() map[Token]string {
	all := make(map[Token]string, len(light))
	for t, c := range light {
		all[t] = c
	}
	return all
}
