package metrics

// check is one invariant of design.md 7.4, in the order of the record.
type check uint8

const (
	checkR1 check = iota
	checkR1s
	checkR2
	checkR3
	checkR4
	checkR5
	checkR6
	checkP1
	checkP2
	checkP3
	checkG1
	checkG2
	checkG3
	checkX1
	checkC1
	checkN1
	checkN2
	checkN3
	checks             // their number
	checkNone = checks // no fault
)

// checkInfo names a check; noun and nouns say in a headline what its violations are.
type checkInfo struct{ id, name, noun, nouns string }

// checkInfos: a message is charged once, to the first that applies of X1, R1–R3,
// P1–P3, R5, R6, G1–G3, R4 (N2, N1, N3 where nothing is promised across
// connections). X1 holds what was never published, too: content that nobody wrote.
var checkInfos = [checks]checkInfo{
	checkR1:  {"R1", "sequence ids strictly increase within a WebSocket", "sequence id repeated or out of place", "sequence ids repeated or out of place"},
	checkR1s: {"R1s", "sequence ids increase by exactly 1", "gap in the sequence ids", "gaps in the sequence ids"},
	checkR2:  {"R2", "recovery continues where the session stopped", "recovery skipped sequence ids", "recoveries skipped sequence ids"},
	checkR3:  {"R3", "replayed messages come first after a recovery", "message replayed after new ones", "messages replayed after new ones"},
	checkR4:  {"R4", "every acknowledged message is delivered", "message lost", "messages lost"},
	checkR5:  {"R5", "no message is delivered twice", "message duplicated", "messages duplicated"},
	checkR6:  {"R6", "messages of one publisher stay in order", "message reordered", "messages reordered"},
	checkP1:  {"P1", "every request is answered at most once", "unexpected ack", "unexpected acks"},
	checkP2:  {"P2", "a request is executed at most once", "request executed twice, or called a duplicate wrongly", "requests executed twice, or called duplicates wrongly"},
	checkP3:  {"P3", "a refused publish is not delivered", "refused message delivered", "refused messages delivered"},
	checkG1:  {"G1", "a group's messages reach nobody before the join or after the leave", "message delivered outside of a membership", "messages delivered outside of a membership"},
	checkG2:  {"G2", "memberships survive a recovery", "membership lost in a recovery", "memberships lost in a recovery"},
	checkG3:  {"G3", "messages reach only their group, and noEcho holds", "message delivered where it does not belong", "messages delivered where they do not belong"},
	checkX1:  {"X1", "what is delivered is what was published", "message corrupted or never published", "messages corrupted or never published"},
	checkC1:  {"C1", "a recovery within 30 s is accepted", "recovery refused", "recoveries refused"},
	checkN1:  {"N1", "messages of one publisher stay in order within a connection", "message reordered", "messages reordered"},
	checkN2:  {"N2", "no message is delivered twice within a connection", "message duplicated", "messages duplicated"},
	checkN3:  {"N3", "every acknowledged message is delivered to a connected subscriber", "message lost", "messages lost"},
}

// Answers of a check, as CheckResult.Result.
const (
	CheckOK           = "ok"
	CheckViolated     = "violated"
	CheckUnknown      = "unknown"
	CheckNotExercised = "not_exercised"
)
