package report

import (
	"fmt"
	"math"
	"regexp"
	"testing"

	"github.com/wpsbench/wpsbench/report/svg"
)

type rgb [3]float64

func parseColour(t *testing.T, hex string) rgb {
	t.Helper()
	var r, g, b uint8
	if _, err := fmt.Sscanf(hex, "#%02x%02x%02x", &r, &g, &b); err != nil {
		t.Fatalf("colour %q: %v", hex, err)
	}
	return rgb{float64(r) / 255, float64(g) / 255, float64(b) / 255}
}

// luminance is the relative luminance of WCAG 2.
func (c rgb) luminance() float64 {
	linear := func(v float64) float64 {
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

func contrast(a, b rgb) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func TestContrastItself(t *testing.T) {
	black, white := rgb{}, rgb{1, 1, 1}
	if got := contrast(black, white); math.Abs(got-21) > 1e-9 {
		t.Errorf("black on white: %v, want 21", got)
	}
	grey := parseColour(t, "#767676") // the lightest grey that WCAG calls readable
	if got := contrast(grey, white); got < 4.5 || got > 4.6 {
		t.Errorf("#767676 on white: %v, want 4.54", got)
	}
}

// tokensOfCSS reads the palette: token to its light and dark value.
func tokensOfCSS() map[string][2]string {
	tokens := map[string][2]string{}
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);`).FindAllStringSubmatch(pageCSS, -1) {
		tokens[m[1]] = [2]string{m[2], m[3]}
	}
	return tokens
}

func TestColoursContrast(t *testing.T) {
	const mark, word = 3.0, 4.5
	tokens := tokensOfCSS()
	need := map[string]float64{"ink": word, "mut": word, "pass": word, "fail-word": word, "invalid": word,
		"fail": mark, "warn": mark}
	for _, name := range []string{"c1", "c2", "c3", "c4", "c5", "p1", "p2", "p3", "p4"} {
		need[name] = mark
	}
	for name, want := range need {
		if _, ok := tokens[name]; !ok {
			t.Errorf("no token %s in the style sheet", name)
			continue
		}
		for theme, themeName := range []string{"light", "dark"} {
			for _, surface := range []string{"bg", "panel"} {
				got := contrast(parseColour(t, tokens[name][theme]), parseColour(t, tokens[surface][theme]))
				if got < want {
					t.Errorf("%s on %s, %s: contrast %.2f, want at least %.1f", name, surface, themeName, got, want)
				}
			}
		}
	}
}

// The heat ramp runs away from the surface in both themes: more is always stronger.
func TestHeatRampIsOrdered(t *testing.T) {
	tokens := tokensOfCSS()
	for theme := range 2 {
		surface := parseColour(t, tokens["panel"][theme])
		before := 1.0
		for _, h := range svg.Heat {
			got := contrast(parseColour(t, tokens[string(h)][theme]), surface)
			if got <= before {
				t.Errorf("theme %d: %s has contrast %.2f, not more than %.2f before it", theme, h, got, before)
			}
			before = got
		}
	}
}

// A drawing without style sheet shows the same colours as the light page, and every
// token has a class.
func TestDrawingsUseThePalette(t *testing.T) {
	tokens := tokensOfCSS()
	for token, light := range svg.Tokens() {
		if got := tokens[string(token)][0]; got != light {
			t.Errorf("token %s: %s in drawings, %q in the style sheet", token, light, got)
		}
		class := regexp.MustCompile(`\.` + string(token) + ` \{ color: var\(--` + string(token) + `(-word)?\)`)
		if !class.MatchString(pageCSS) {
			t.Errorf("the style sheet has no class for token %s", token)
		}
	}
}
