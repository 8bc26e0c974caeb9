package conform

import "slices"

// Level says who vouches for a rule.
type Level string

// The levels.
const (
	// Spec rules stand in the specification or the documentation of the service.
	Spec Level = "spec"
	// Emulator rules are known from the source of the official emulator alone, or
	// marked as uncertain in protocol.md: another target may differ.
	Emulator Level = "emulator"
)

// Need is something a case cannot do without.
type Need string

// The needs. Those of a target are found out by asking it.
const (
	NeedKey              Need = "access key"                                       // signs tokens of every kind
	NeedRoles            Need = "token that may join and publish to any group"     // or the key
	NeedReliable         Need = "subprotocol json.reliable.webpubsub.azure.v1"     // spoken by the target
	NeedProtobuf         Need = "subprotocol protobuf.webpubsub.azure.v1"          // spoken by the target
	NeedProtobufReliable Need = "subprotocol protobuf.reliable.webpubsub.azure.v1" // spoken by the target
	NeedSimple           Need = "clients without a subprotocol"                    // accepted by the target
	NeedREST             Need = "REST API"                                         // and the key
	NeedEntra            Need = "token of Microsoft Entra"                         // Config.EntraToken
	NeedEvents           Need = "event handler of ours, to which the target posts" // Config.Events
	NeedUnhandled        Need = "hub whose events nobody handles"                  // not so if they come to our handler
	NeedTime             Need = "time: it takes longer than a recovery window"     // asked for with Config.Slow
	NeedTraffic          Need = "traffic: it sends more than 16 MiB"               // asked for with Config.Slow
)

// Case is one rule and how it is tried.
type Case struct {
	ID    string // area/name, stable
	Rule  string // section of protocol.md
	Title string // the rule, as a sentence
	Level Level
	Needs []Need

	run func(*T)
}

// Cases returns every case in the order in which Run tries them.
func Cases() []Case {
	return slices.Concat(handshakeCases, tokenCases, requestCases, duplicateCases, roleCases,
		dataCases, malformedCases(), frameCases, sequenceCases, recoveryCases, refusalCases,
		overflowCases, protobufCases, malformedPBCases(), simpleCases, restSendCases, restCloseCases, restCases, restBulkCases,
		eventCases, connectCases, userEventCases)
}
