package scenario

import "strings"

// describe is the description of a key at a path, or "".
func describe(path string) string {
	if limit := strings.Split(path, "."); limit[0] == "thresholds" && len(limit) > 2 {
		path = "thresholds.*." + limit[len(limit)-1] // alike for every metric, in a list or not
	}
	return descriptions[path]
}

// descriptions say in one line what each key is for, with its default: an editor shows
// them while the scenario is typed. A * stands for a name or a number. Whatever the
// decoder reads has one, see TestDescriptions.
var descriptions = map[string]string{
	"":         "A load test of a service that speaks the subprotocols of Azure Web PubSub.",
	"name":     "Name of the scenario and of its results: letters, digits, - and _.",
	"note":     "What the scenario is for; kept in the result.",
	"tags":     "Texts of your own, kept in the result, e.g. {team: chat}.",
	"protocol": "Subprotocol of the populations that name none (default json.reliable.webpubsub.azure.v1).",
	"seed":     "Root of every random choice (default 1).",

	"target":                   "Where to connect. Without it, an emulator of the service is started and measured.",
	"target.connection_string": "Endpoint=…;AccessKey=…, better as ${NAME} of the environment or \"@file\".",
	"target.url":               "Client URL, ws:// or wss://, used as it is for every connection.",
	"target.negotiate":         "URL that is asked for the client URL of every new connection; {user} stands for the user id.",
	"target.endpoint":          "Service with access keys disabled, with entra_token.",
	"target.entra_token":       "Bearer token of Microsoft Entra for endpoint, as ${NAME} or \"@file\".",
	"target.hub":               "Hub on the target (default: the command's --hub, bench).",
	"target.tls":               "How the target's certificate is checked.",
	"target.tls.ca":            "PEM file with the roots to trust instead of the system's.",
	"target.tls.server_name":   "Name the certificate must have (default: the host of the URL).",
	"target.tls.insecure":      "Accept any certificate (default false).",
	"target.headers":           "Headers of the upgrade request.",

	"upstream":        "Host the event handler here: every user event is answered with its payload.",
	"upstream.listen": "Address, e.g. \"127.0.0.1:8088\".",
	"upstream.reply":  "What events are answered with (default echo).",

	"groups":         "Families of groups: {room: {count: 100}} is room-000 … room-099.",
	"groups.*":       "A family: a count or a list of names.",
	"groups.*.count": "Number of groups, named after the family.",
	"groups.*.names": "The groups' names.",

	"populations":                                      "Connections that behave alike, by name.",
	"populations.*":                                    "Connections that behave alike.",
	"populations.*.protocol":                           "Subprotocol, simple for none, or rest to publish over the REST API (default: the file's).",
	"populations.*.connections":                        "Number of connections, or of callers with protocol rest.",
	"populations.*.connect_rate":                       "Connections opened per second (default 100/s).",
	"populations.*.join":                               "How many groups of a family each connection joins, e.g. {room: 1}; dealt evenly.",
	"populations.*.join.*":                             "Groups of this family each connection joins.",
	"populations.*.client":                             "How the client acknowledges and reconnects (default bench); sdk-… are the official clients.",
	"populations.*.client.preset":                      "What the other keys change (default bench).",
	"populations.*.client.sequence_ack":                "When a reliable client acknowledges what it has received.",
	"populations.*.client.sequence_ack.every_messages": "After so many messages (bench: 64).",
	"populations.*.client.sequence_ack.every":          "After so long (bench: 250ms).",
	"populations.*.client.reconnect":                   "Back-off between attempts to reconnect.",
	"populations.*.client.reconnect.base":              "First delay, doubled each time (bench: 1s).",
	"populations.*.client.reconnect.max":               "Longest delay (bench: 30s).",
	"populations.*.client.reconnect.jitter":            "Full: a random part of the delay; none: all of it (bench: full).",
	"populations.*.users":                              "User id; {n} is the connection's number (default user-{n}).",
	"populations.*.roles":                              "Roles of the token (default: what join and publish need).",
	"populations.*.payload_file":                       "File that fills payloads (default: seeded text).",
	"populations.*.publish":                            "What the connections send; without it they only listen.",
	"populations.*.publish.to":                         "Family or families of groups (default: those joined); with protocol rest also users, connections or all.",
	"populations.*.publish.to.user":                    "The users of this population, in turn.",
	"populations.*.publish.to.connection":              "The connections of this population, in turn.",
	"populations.*.publish.to.all":                     "Everybody on the hub.",
	"populations.*.publish.event":                      "Send a user event of this name instead; its echo is measured.",
	"populations.*.publish.rate":                       "Messages of each sender, e.g. 5/s or 1/30s.",
	"populations.*.publish.total_rate":                 "Messages of all senders together.",
	"populations.*.publish.senders":                    "Who sends: a count or a percentage of the connections (default 100%).",
	"populations.*.publish.arrival":                    "When messages are due (default constant): evenly, as a Poisson process, or in bursts.",
	"populations.*.publish.arrival.burst":              "Messages of a burst; bursts come every burst/rate.",
	"populations.*.publish.arrival.within":             "The time a burst is spread over.",
	"populations.*.publish.ack":                        "Ask for an acknowledgement (default true).",
	"populations.*.publish.no_echo":                    "Do not send it back to the sender (default false).",
	"populations.*.publish.data_type":                  "How the payload travels (default text).",
	"populations.*.publish.size":                       "Bytes of a payload, e.g. 2KiB, at least 64 (default 128).",
	"populations.*.publish.ttl":                        "The service may drop what is older, in whole seconds (default: never).",
	"populations.*.publish.metadata":                   "Texts beside the data.",

	"phases":               "Lengths of the phases after everybody is connected.",
	"phases.warmup":        "Publishing that is not yet measured (default 0s).",
	"phases.steady":        "What is measured: a duration, or a list of stages.",
	"phases.steady.*.name": "Name of the stage, for thresholds.",
	"phases.steady.*.for":  "Its length.",
	"phases.steady.*.rate": "Multiple of every rate, e.g. x5 (default x1).",
	"phases.drain":         "How long to wait for what is still under way, at most (default 30s).",

	"faults":              "Drops that are injected on purpose.",
	"faults.*.name":       "Name, for thresholds and the report.",
	"faults.*.at":         "When, since the start of steady state.",
	"faults.*.kind":       "How the connection is dropped.",
	"faults.*.population": "Whose connections.",
	"faults.*.hit":        "How many: a count or a percentage.",
	"faults.*.over":       "Spread the drops of one occurrence evenly over this time.",
	"faults.*.batches":    "With over: in so many steps instead, one after the other.",
	"faults.*.every":      "Come again so often, each time on other connections.",
	"faults.*.rate":       "Hit each connection so often on average, at random, instead of all at once.",
	"faults.*.for":        "With every or rate: how long (default: until the end of steady state).",
	"faults.*.lasts":      "With stop-acking and slow-reader: how long each client does so.",
	"faults.*.code":       "Close code of kind close (default 1000, which ends a reliable session; 1001 keeps it).",

	"checks":         "How strictly delivery is judged.",
	"checks.profile": "Strict, or spec: what is written down only (default: strict for the embedded emulator, else spec).",

	"thresholds":                 "Limits that decide whether the run passed, by metric.",
	"thresholds.*.threshold":     "The limit, e.g. p(99)<250ms.",
	"thresholds.*.during":        "Phase, stage or fault it is judged in, or calm (default: steady state).",
	"thresholds.*.population":    "Whose figures (default: everybody's).",
	"thresholds.*.abort_on_fail": "End the run when it is missed (default false).",

	"thresholds.e2e_latency":      "Time from when a message was due until a subscriber had it, each delivery a sample.",
	"thresholds.e2e_service":      "Time from when a message really left until a subscriber had it.",
	"thresholds.ack_rtt":          "Time from when a message was due until its acknowledgement.",
	"thresholds.connect_time":     "Time from the start of connecting until the server's connected message.",
	"thresholds.join_rtt":         "Time from a join request until its acknowledgement.",
	"thresholds.recovery_time":    "Time from a detected drop until the session has caught up.",
	"thresholds.outage_time":      "Time from an injected fault until the session has caught up.",
	"thresholds.schedule_lag":     "How late messages left: the generator's own delay.",
	"thresholds.failed_connects":  "Connections that could not be opened.",
	"thresholds.failed_publishes": "Publishes that the target refused.",
	"thresholds.lost":             "Deliveries that the subprotocol promised and that never came.",
	"thresholds.duplicated":       "Deliveries that came more than once.",
	"thresholds.reordered":        "Deliveries that came before an earlier one of their publisher.",
	"thresholds.unexpected":       "Deliveries of what was never published there.",
	"thresholds.undelivered":      "Deliveries still missing at the end that are not known to be lost.",
	"thresholds.uninjected_drops": "Connections that the target dropped by itself.",
	"thresholds.protocol_errors":  "Frames of the target that break the protocol.",
	"thresholds.published":        "Messages sent.",
	"thresholds.delivered":        "Deliveries that arrived.",

	"scales": "Paths of the counts, rates and durations that --scale multiplies.",
}
