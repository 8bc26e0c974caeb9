// Package scenario is the scenario file and what follows from it by arithmetic:
// [Load] decodes a file strictly and tells every mistake at once, [Scenario.Plan]
// expands it to connections, groups, publishers and instants, and [Plan.Estimate]
// adds up what that asks of the target, the machine and the account. There is no
// clock, network or goroutine here, and no secret is ever resolved.
//
// # The file
//
// A scenario is one YAML document. Anchors, aliases and tags are not part of the
// format. Only name, populations and phases are required; the values below are the
// defaults where a comment does not say otherwise.
//
//	name: quickstart                   # required
//	note: what this is for             # no default
//	tags: {team: chat}                 # no default; kept in the result
//	protocol: json.reliable.webpubsub.azure.v1   # or json.webpubsub.azure.v1, and
//	                                   # protobuf.reliable.…, protobuf.webpubsub.azure.v1 and simple
//	seed: 1                            # of every random choice
//
// Target. Without the key it is the embedded emulator. Its texts may hold ${NAME}
// of the environment, or be "@file" (in quotes). It is a service with its key, one
// with access keys disabled, a client URL, or an application server that is asked for
// the URL of every new connection. That may stand beside a service: the clients come
// by it, and the REST API is called with the key or the token.
//
//	target:
//	  connection_string: ${WPS_CONNECTION_STRING}   # or
//	  endpoint: https://host           # the service signs every client token …
//	  entra_token: ${TOKEN}            # … for the bearer of this one; or
//	  url: wss://host/client/hubs/bench              # or, also beside the first two,
//	  negotiate: "https://app/negotiate?id={user}"
//	  hub: bench                       # default: the command's --hub
//	  tls: {ca: ca.pem, server_name: host, insecure: false}
//	  headers: {X-Tenant: "7"}         # of the upgrade request
//
// Upstream makes the harness an event handler, which answers every user event with
// its payload. The embedded emulator calls it; a service must be told its URL.
//
//	upstream: {listen: "127.0.0.1:8088", reply: echo}
//
// Groups come in families, by number or by name:
//
//	groups:
//	  room: {count: 100}               # room-000 … room-099
//	  hall: {names: [lobby, garden]}
//
// Populations are connections that behave alike:
//
//	populations:
//	  members:
//	    protocol: …                    # default: the file's; populations of any may share groups;
//	                                   # or rest: it publishes over the REST API, each message
//	                                   # a request of its own, in no order; or simple: see below
//	    connections: 1000              # required
//	    connect_rate: 100/s
//	    join: {room: 1}                # so many groups of the family each, dealt evenly
//	    client: bench                  # in full:
//	    client: {preset: bench, sequence_ack: {every_messages: 64, every: 250ms},   # or sooner, with a publish
//	             reconnect: {backoff: exponential, base: 1s, max: 30s, jitter: full},   # or jitter: none
//	             ping: 20s, idle_timeout: 45s,     # a silent connection is given up; 0s: never
//	             recovery: {window: 30s, pause: 1s}}
//	    client: {reconnect: {backoff: fixed, base: 2s}}   # every delay between 0 and 2 s
//	    client: sdk-js                 # or sdk-python, sdk-dotnet, sdk-java: the official clients' defaults
//	    churn:                         # default: none; what is due while a session is away is not sent
//	      session: {mean: 10m}         # sessions end with code 1000; new ones take their places
//	      leave: {room: 1/2m}          # each joined group is left so often, and joined again
//	      switch: {room: 1/2m}         # or for another one of the family, at random
//	      away: 5s                     # how long who has gone stays away
//	    users: user-{n}                # {n} is the connection's number over all populations
//	    roles: [webpubsub.sendToGroup] # default: exactly what join and publish need
//	    payload_file: text.txt         # fills payloads instead of seeded text
//	    publish:
//	      to: room                     # or a list; default: the joined families
//	      to: {user: members}          # rest only: the users of a population,
//	      to: {connection: members}    # its connections, or
//	      to: {all: true}              # everybody
//	      event: message               # instead of to: a user event, echoed by the handler
//	      rate: 1/s                    # required: each sender's mean; or total_rate: 50/s for all
//	      senders: 100%                # or a count: the first connections
//	      arrival: constant            # or poisson, or {burst: 5, within: 2s}
//	      ack: true
//	      no_echo: false
//	      data_type: text              # or json, binary
//	      size: 128                    # bytes before JSON quoting or base64
//	      ttl: 60s                     # the service may drop what is older; default: never
//	      metadata: {trace: a1}        # beside the data; default: none
//
// A population publishes to the groups it joined of a family, in turn. A family it
// did not join it publishes to as a whole, group by group, each sender starting at
// another one: publishing needs no membership. A burst is so many messages spread
// evenly over within; bursts come every burst/rate, so the mean stays the rate.
// Over REST, users and connections are dealt to the senders, and each sender goes
// through its own in turn; all sessions of a user, or of the hub, must get the message.
// Events go to the event handler, and each sender expects its own back as a message
// of the server, exactly once and in order.
// A payload has from 64 bytes to what fits into 1 MiB encoded, see [MaxPayloadBytes].
//
// Simple clients have no subprotocol and send and get bare payloads (protocol.md 6).
// They join by their token, publish to one group each or send the event message, and
// get no acks, so what they publish is counted but never missed. Data is text or
// binary, without ttl and metadata. A simple client counts as a member one second after
// it has connected, for nothing tells when it is.
//
// Phases follow the connecting. Publishing begins with the warm-up and ends with
// the steady state, whose stages may multiply every rate:
//
//	phases:
//	  warmup: 0s
//	  steady: 20s                      # required; or stages:
//	  steady:
//	    - {name: normal, for: 5m}
//	    - {name: rush, for: 2m, rate: x5}
//	  drain: 30s                       # a maximum: ends when everything has arrived
//
// Faults drop connections. Whom each hits, and when, follows from the seed:
//
//	faults:                            # at: since the start of steady; hit: a share or a count
//	  - {name: F1, at: 8s, kind: rst, population: members, hit: 20%}    # all at once
//	  - {name: F2, at: 8s, kind: fin, population: members, hit: 20%, over: 20s}       # evenly spread
//	  - {name: F3, at: 8s, kind: rst, population: members, hit: 100%, over: 1m, batches: 6}   # rolling
//	  - {name: F4, at: 8s, kind: rst, population: members, hit: 5%, every: 30s, for: 5m}      # again, others
//	  - {name: F5, at: 8s, kind: rst, population: members, hit: 50%, rate: 1/10m}     # Poisson, each by itself
//
// Without for, every and rate go on until the end of the steady state. A fault that
// comes again makes an incident each time: F4.1, F4.2 and so on. The kinds are:
//
//	rst                                # the connection is reset
//	fin                                # TCP ends without a WebSocket close
//	close                              # with code: 1000, the default, which ends a session; 1001 keeps it
//	zombie                             # the socket stays open and silent, the client recovers on another
//	blackhole                          # half-open: nothing gets through and nobody is told; the
//	                                   # client's idle_timeout finds it (Linux only)
//	rest-close                         # the service closes, over REST; with by: user or by: group all of a
//	                                   # user or in a group by one call: hit counts the population's users,
//	                                   # or the groups of the families that it joins
//	restart                            # lasts: 30s; the embedded target is restarted: everybody is closed
//	                                   # with 1001, sessions are forgotten but with keeps_sessions: true;
//	                                   # or command: [kubectl, rollout, restart, deploy/wps], without a shell
//	stop-acking                        # lasts: 10s; the client sends no sequenceAck
//	slow-reader                        # lasts: 10s; the client reads nothing
//
// The last three leave the transport alone: it is for the service to drop the client, who
// misbehaves no more once it is dropped. A restart hits everybody unless population and hit
// say otherwise, and who is not dropped while it lasts was not hit: held. Its command may
// take as long, and is killed then.
//
// Checks and thresholds judge the run. A profile says how strictly delivery is
// judged; the default is strict for the embedded target and spec for any other. With
// more than pairs (4,000,000) pairs of a publisher's group and a subscriber, a sample of
// the subscribers is judged message by message, and the others by count.
// Thresholds have k6's grammar. Times (e2e_latency and ack_latency since the message was
// due, e2e_service and ack_rtt since it left, connect_time, join_rtt, recovery_time,
// outage_time, schedule_lag) have avg, min, med, max and p(N) with a limit that has a
// unit, and count, the number of samples, with a plain one; counters (failed_connects,
// failed_publishes, lost, duplicated, reordered, unexpected, undelivered,
// uninjected_drops, protocol_errors, published, delivered) have count and rate with a
// plain number.
//
//	checks: {profile: strict, pairs: 1000000}
//	thresholds:
//	  e2e_latency: ["p(99)<250ms"]
//	  recovery_time: {threshold: "p(95)<5s", during: F1, population: members, abort_on_fail: false}
//
// During is connect, warmup, steady, drain, the name of a stage or of a fault (until
// everybody it hit has caught up), or calm: outside every fault's time.
//
// Scales names what --scale multiplies, as --set would: counts, rates and durations
// that are written in the file. A count stays at least 1.
//
//	scales: [populations.members.connections, groups.room.count]   # no default
//
// # Values
//
// Durations are Go's (250ms, 1m30s), rates are N/s or N per another time (1/30s),
// shares are 20% or a count, factors are x5, sizes are bytes, KiB or MiB. A bare
// number where a unit is needed is an error, and so are KB and MB, which mean 1000
// to some and 1024 to others. Families, populations, stages and faults have names
// of letters, digits, - and _.
package scenario
