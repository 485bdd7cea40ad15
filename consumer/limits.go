package consumer

import "time"

// Limits bound what clients may use. A zero field means its default.
type Limits struct {
	// MaxConnections is how many connections the process takes; further ones are
	// refused with 503. Default: nine tenths of the file descriptors that the process
	// may have, where the system says how many these are.
	MaxConnections int
	// MaxConnectionsPerAddress is how many connections one address may have, which is
	// a /64 of IPv6; further ones are refused with 429. Default: no limit, since many
	// people share the address of a company or of a proxy.
	MaxConnectionsPerAddress int
	// MaxConnectionsPerUser is how many connections a signed-in user may have on this
	// node; further ones are closed with 4005. Default: 1,000.
	MaxConnectionsPerUser int
	// HandshakesPerSecond is how many connections may be opened in a second; further
	// ones are refused with 503. Default: no limit.
	HandshakesPerSecond int
	// HandshakeBurst is how many may be opened at once. Default: HandshakesPerSecond.
	HandshakeBurst int
	// FramesPerSecond is how many frames a connection may send in a second; further
	// ones are acked ResourceExhausted, and a client that goes on is closed with
	// 4004. Default: no limit.
	FramesPerSecond int
	// FrameBurst is how many may come at once. Default: FramesPerSecond.
	FrameBurst int
	// BytesPerSecond is how many bytes of messages a connection may send in a second;
	// beyond, it is as with FramesPerSecond. Default: no limit.
	BytesPerSecond int
	// ByteBurst is how many may come at once. A larger message is taken if nothing
	// came for long enough. Default: BytesPerSecond, and not less than
	// MaxMessageBytes.
	ByteBurst int
	// MaxMessageBytes is the largest message of the transport that is read;
	// larger ones close the connection with 1009. Default: 1 MiB.
	MaxMessageBytes int
	// MaxInFlight is how many frames of a connection may wait or run; further
	// ones are acked ResourceExhausted. Default: 256.
	MaxInFlight int
	// InFlightBytes is how many bytes of payload the frames in flight may have
	// together; beyond, they are acked ResourceExhausted. A single larger frame
	// is taken if nothing else waits. Default: 4 MiB.
	InFlightBytes int
	// MaxGroups is how many groups receivers may join for a connection.
	// Default: 1,000.
	MaxGroups int
	// OutboxBytes is how much may wait to be written to a connection; beyond, it
	// is closed with 4000. A single larger frame is sent if nothing else waits.
	// Default: 4 MiB.
	OutboxBytes int
	// HandshakeTimeout is how long a client may take to say Hello. Default: 10 s.
	// [protoway.Server.Serve] gives the HTTP request in front of it as long.
	HandshakeTimeout time.Duration
	// Heartbeat is the silence after which a side shows that it is alive; after
	// three times as long without a sign the connection is closed. Default: 25 s.
	Heartbeat time.Duration
	// HandlerTimeout is how long a handler may take unless its message says
	// otherwise. Default: 30 s.
	HandlerTimeout time.Duration
	// ReadTimeout is how long a message may take from its first byte to its last one;
	// after it the connection is closed with 4006. Default: 30 s.
	ReadTimeout time.Duration
	// WriteTimeout is how long one write may be stuck. Default: 10 s.
	WriteTimeout time.Duration
	// DedupeWindow is how long the outcome of a keyed frame is kept. Default: 5 min.
	DedupeWindow time.Duration
	// DedupePerUser is how many keyed frames of one user are remembered; further
	// ones are refused until some expire, or the client says that it will not send
	// them again. Default: 10,000.
	DedupePerUser int
	// DedupeTotal is the same for the whole node; clients that are not signed in
	// share a quarter of it. Default: 100,000.
	DedupeTotal int
	// DedupeBytes is how many bytes of replies are remembered on the node; beyond,
	// new keyed frames are refused. Default: 64 MiB.
	DedupeBytes int
	// TokenGrace is how long a user stays one after their token has expired. The client
	// is asked for another one at the moment of expiry, and who does not send it is
	// signed out when the grace is over. Default: 0, at once.
	TokenGrace time.Duration
	// TicketLife is how long a client may be away and still resume its groups.
	// Default and least: 10 min.
	TicketLife time.Duration
}

// Pools size the goroutines that run handlers. A zero field means its default.
type Pools struct {
	// SyncWorkers run the receiver methods. Default: 256.
	SyncWorkers int
	// SyncQueue is how many lanes may wait for a worker; frames beyond are acked
	// ResourceExhausted. Default: 16 times SyncWorkers.
	SyncQueue int
	// AsyncWorkers run what receivers hand to [Handle.Async]. Default: 64.
	AsyncWorkers int
	// AsyncQueue is how much of that may wait. Default: 16 times AsyncWorkers.
	AsyncQueue int
}

const (
	minTicketLife  = 10 * time.Minute
	queuePerWorker = 16
)

// WithDefaults returns l with every zero field set to its default.
func (l Limits) WithDefaults() Limits {
	orInt(&l.MaxMessageBytes, 1<<20)
	l = l.withRates()
	orInt(&l.MaxConnectionsPerUser, 1000)
	orInt(&l.MaxInFlight, 256)
	orInt(&l.InFlightBytes, 4<<20)
	orInt(&l.MaxGroups, 1000)
	orInt(&l.OutboxBytes, 4<<20)
	orDuration(&l.HandshakeTimeout, 10*time.Second)
	orDuration(&l.Heartbeat, 25*time.Second)
	orDuration(&l.HandlerTimeout, 30*time.Second)
	orDuration(&l.ReadTimeout, 30*time.Second)
	orDuration(&l.WriteTimeout, 10*time.Second)
	orDuration(&l.DedupeWindow, 5*time.Minute)
	orInt(&l.DedupePerUser, 10_000)
	orInt(&l.DedupeTotal, 100_000)
	orInt(&l.DedupeBytes, 64<<20)
	l.TokenGrace = max(l.TokenGrace, 0)
	l.TicketLife = max(l.TicketLife, minTicketLife)
	return l
}

// withRates sets what follows from rates. Zero is no limit there.
func (l Limits) withRates() Limits {
	for _, field := range []*int{
		&l.MaxConnections, &l.MaxConnectionsPerAddress, &l.HandshakesPerSecond, &l.FramesPerSecond, &l.BytesPerSecond,
	} {
		*field = max(*field, 0)
	}
	orInt(&l.HandshakeBurst, l.HandshakesPerSecond)
	orInt(&l.FrameBurst, l.FramesPerSecond)
	if l.BytesPerSecond > 0 {
		orInt(&l.ByteBurst, max(l.BytesPerSecond, l.MaxMessageBytes))
	}
	return l
}

// The limits as metrics name them, by their keys in the configuration. A rate
// limit is that of a message's rules.
const (
	limitConnections = "max_connections"
	limitAddress     = "max_connections_per_address"
	limitUser        = "max_connections_per_user"
	limitHandshakes  = "handshakes_per_second"
	limitFrames      = "frames_per_second"
	limitBytes       = "bytes_per_second"
	limitType        = "rate_limit"
	limitInFlight    = "max_in_flight"
	limitFlightBytes = "in_flight_bytes"
	limitGroups      = "max_groups"
	limitOutbox      = "outbox_bytes"
	limitHandshake   = "handshake_timeout"
	limitSilence     = "heartbeat"
	limitHandler     = "handler_timeout"
	limitRead        = "read_timeout"
	limitWrite       = "write_timeout"
	limitDedupe      = "dedupe"
	limitSyncQueue   = "sync_queue"
	limitAsyncQueue  = "async_queue"
)

// WithDefaults returns p with every zero field set to its default.
func (p Pools) WithDefaults() Pools {
	orInt(&p.SyncWorkers, 256)
	orInt(&p.SyncQueue, queuePerWorker*p.SyncWorkers)
	orInt(&p.AsyncWorkers, 64)
	orInt(&p.AsyncQueue, queuePerWorker*p.AsyncWorkers)
	return p
}

func orInt(field *int, value int) {
	if *field <= 0 {
		*field = value
	}
}

func orDuration(field *time.Duration, value time.Duration) {
	if *field <= 0 {
		*field = value
	}
}
