package config

import (
	"time"

	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/transport"
)

// keys is the table of all keys but those of paths. A new field of protoway.Config,
// consumer.Limits or consumer.Pools that is data gets a row here.
func keys() []key {
	table := append(baseKeys(), authKeys()...)
	return append(append(append(table, serverKeys()...), poolKeys()...), limitKeys()...)
}

func baseKeys() []key {
	return []key{
		{"listen", "The TCP address to serve on.", func(s *Settings) value { return addressValue{textValue{&s.Listen}} }},
		{"log.level", "The least that is logged: debug, info, warn, error.", func(s *Settings) value {
			return choiceValue{textValue{&s.Log.Level}, []string{"debug", "info", "warn", "error"}}
		}},
		{"log.format", "How log lines are written: text, json.", func(s *Settings) value {
			return choiceValue{textValue{&s.Log.Format}, []string{"text", "json"}}
		}},
	}
}

func authKeys() []key {
	return []key{
		{"auth.secret", "What tokens are signed with (HS256), at least 32 bytes. Without it and other keys, every token is refused unless the program has a verifier of its own.", func(s *Settings) value { return secretValue{&s.Auth.Secret} }},
		{"auth.secret_file", "A file with that secret, instead; a relative name counts from the folder of the configuration file. A line end at the end of the file is left out.", func(s *Settings) value { return textValue{&s.Auth.SecretFile} }},
		{"auth.old_secret", "The secret that is being replaced: tokens signed with it are accepted too.", func(s *Settings) value { return secretValue{&s.Auth.OldSecret} }},
		{"auth.old_secret_file", "A file with the old secret, instead.", func(s *Settings) value { return textValue{&s.Auth.OldSecretFile} }},
		{"auth.public_key_file", "A file in PEM with the public key or certificate, or several, of who signs tokens with the private half.", func(s *Settings) value { return optionalValue{textValue{&s.Auth.PublicKeyFile}, nil} }},
		{"auth.jwks_url", "Where the issuer of tokens publishes its keys, https. Needs auth.audience, or auth.any_audience.", func(s *Settings) value { return optionalValue{textValue{&s.Auth.JWKSURL}, checkURL} }},
		{"auth.algorithms", "What tokens are signed with, a list: HS256, HS384, HS512 for a secret, RS256, PS256, ES256, EdDSA and so on for public keys. By default HS256, and for each public key the usual one of its type, or what its JWKS states.", func(s *Settings) value { return listValue{&s.Auth.Algorithms, checkAmong(algorithms()...)} }},
		{"auth.issuer", "What iss of tokens must be. By default it is not looked at.", func(s *Settings) value { return optionalValue{textValue{&s.Auth.Issuer}, checkWord} }},
		{"auth.audience", "Names of this server, one of which must be in aud; a list. By default aud is not looked at.", func(s *Settings) value { return listValue{&s.Auth.Audience, checkWord} }},
		{"auth.any_audience", "Whether tokens that the issuer of auth.jwks_url made for other servers are good here too.", func(s *Settings) value { return boolValue{&s.Auth.AnyAudience} }},
		{"auth.no_token_type", "Whether tokens without token_type are good, as those of OpenID Connect; one that is stated must be access.", func(s *Settings) value { return boolValue{&s.Auth.NoTokenType} }},
		{"auth.user_claims", "Where a token has the id of its user, a list: the first one that is there counts. By default user_id, and with public keys user_id, sub, id.", func(s *Settings) value { return listValue{&s.Auth.UserClaims, checkWord} }},
		{"auth.permissions_claim", "Where it has the permissions; points lead into objects. By default permissions.", func(s *Settings) value { return optionalValue{textValue{&s.Auth.PermissionsClaim}, checkWord} }},
		{"auth.groups_claim", "Where it has the user's groups, such as realm_access.roles. By default groups.", func(s *Settings) value { return optionalValue{textValue{&s.Auth.GroupsClaim}, checkWord} }},
		{"auth.leeway", "How far the clocks of issuer and server may be apart; expired tokens live that much longer.", func(s *Settings) value { return durationValue{&s.Auth.Leeway, 0} }},
	}
}

func serverKeys() []key {
	return []key{
		{"tickets.secret", "What signs the tickets with which clients resume their groups, at least 32 bytes, the same on all nodes. Without it, tickets end with the process.", func(s *Settings) value { return secretValue{&s.Tickets.Secret} }},
		{"tickets.secret_file", "A file with that secret, instead.", func(s *Settings) value { return textValue{&s.Tickets.SecretFile} }},
		{"public_by_default", "Whether anybody may send messages whose schema says nothing about auth.", func(s *Settings) value { return boolValue{&s.PublicByDefault} }},
		{"strict", "Whether a message that clients may send and nobody handles is an error at start; else it is logged.", func(s *Settings) value { return boolValue{&s.Strict} }},
		{"without_system", "Whether the diagnostics of every path are left out: ping, echo, health and info.", func(s *Settings) value { return boolValue{&s.WithoutSystem} }},
		{"forward_errors", "Whether clients are told the text of internal errors. For development only.", func(s *Settings) value { return boolValue{&s.ForwardErrors} }},
		{"min_api_version", "The oldest apiVersion of Proto Socket clients; older ones are told to upgrade, and served.", func(s *Settings) value { return intValue[int32]{&s.MinAPIVersion, 0} }},
		{"mode", "How connections are read: auto, event (Linux), goroutine (one for each). By default by events where that is possible.", func(s *Settings) value {
			return modeValue{choiceValue{textValue{(*string)(&s.Mode)}, []string{string(transport.Auto), string(transport.Event), string(transport.Goroutine)}}}
		}},
		{"trusted_proxies", "The addresses and networks of proxies in front of the server, whose X-Forwarded-For says where a client is, such as 10.0.0.0/8; a list, or one text with commas.", func(s *Settings) value { return listValue{&s.TrustedProxies, checkNetwork} }},
		{"drain_spread", "The time that a shutdown gives clients to reconnect elsewhere.", func(s *Settings) value { return durationValue{&s.DrainSpread, 0} }},
		{"no_query_token", "Whether connections with a token in their URL (?token=) are refused.", func(s *Settings) value { return boolValue{&s.NoQueryToken} }},
		{"cookies_without_origin", "Whether the cookies of upgrade requests without an Origin, which no browser sends, may say who the user is.", func(s *Settings) value { return boolValue{&s.CookiesWithoutOrigin} }},
		{"recheck", "How often it is looked up whether signed-in users still may be, for a program that says where its users are. 0s is never.", func(s *Settings) value { return durationValue{&s.Recheck, 0} }},
	}
}

func poolKeys() []key {
	count := func(field func(*consumer.Pools) *int) func(*Settings) value {
		return func(s *Settings) value { return intValue[int]{field(&s.Pools), 1} }
	}
	return []key{
		{"pools.sync_workers", "How many handlers run at once.", count(func(p *consumer.Pools) *int { return &p.SyncWorkers })},
		{"pools.sync_queue", "How many lanes may wait for a worker; beyond, frames are refused. By default 16 times sync_workers.", count(func(p *consumer.Pools) *int { return &p.SyncQueue })},
		{"pools.async_workers", "How many tasks of Async and AckAfter run at once.", count(func(p *consumer.Pools) *int { return &p.AsyncWorkers })},
		{"pools.async_queue", "How many of these may wait; beyond, frames are refused. By default 16 times async_workers.", count(func(p *consumer.Pools) *int { return &p.AsyncQueue })},
	}
}

func limitKeys() []key {
	size := func(field func(*consumer.Limits) *int) func(*Settings) value {
		return func(s *Settings) value { return sizeValue{field(&s.Limits)} }
	}
	count := func(field func(*consumer.Limits) *int) func(*Settings) value {
		return func(s *Settings) value { return intValue[int]{field(&s.Limits), 1} }
	}
	span := func(least time.Duration, field func(*consumer.Limits) *time.Duration) func(*Settings) value {
		return func(s *Settings) value { return durationValue{field(&s.Limits), least} }
	}
	perhaps := func(field func(*consumer.Limits) *int) func(*Settings) value {
		return func(s *Settings) value { return intValue[int]{field(&s.Limits), 0} }
	}
	perhapsSize := func(field func(*consumer.Limits) *int) func(*Settings) value {
		return func(s *Settings) value { return sizeOrNone{sizeValue{field(&s.Limits)}} }
	}
	const least = time.Millisecond // the unit of the protocol
	shortestTicket := consumer.Limits{}.WithDefaults().TicketLife
	return []key{
		{"limits.max_connections", "How many connections the process takes; beyond, they are refused with 503. By default (0) nine tenths of the file descriptors that it may have.", perhaps(func(l *consumer.Limits) *int { return &l.MaxConnections })},
		{"limits.max_connections_per_address", "How many connections one address may have, a /64 of IPv6; beyond, they are refused with 429. 0 is no limit.", perhaps(func(l *consumer.Limits) *int { return &l.MaxConnectionsPerAddress })},
		{"limits.max_connections_per_user", "How many connections a user may have on this node; beyond, they are closed.", count(func(l *consumer.Limits) *int { return &l.MaxConnectionsPerUser })},
		{"limits.handshakes_per_second", "How many connections may be opened in a second; beyond, they are refused with 503. 0 is no limit.", perhaps(func(l *consumer.Limits) *int { return &l.HandshakesPerSecond })},
		{"limits.handshake_burst", "How many may be opened at once. By default as many as in a second.", perhaps(func(l *consumer.Limits) *int { return &l.HandshakeBurst })},
		{"limits.frames_per_second", "How many frames a connection may send in a second; beyond, they are refused. 0 is no limit.", perhaps(func(l *consumer.Limits) *int { return &l.FramesPerSecond })},
		{"limits.frame_burst", "How many may come at once. By default as many as in a second.", perhaps(func(l *consumer.Limits) *int { return &l.FrameBurst })},
		{"limits.bytes_per_second", "How many bytes of messages a connection may send in a second; beyond, their frames are refused. 0 is no limit.", perhapsSize(func(l *consumer.Limits) *int { return &l.BytesPerSecond })},
		{"limits.byte_burst", "How many may come at once. By default as many as in a second, and not less than max_message_bytes.", perhapsSize(func(l *consumer.Limits) *int { return &l.ByteBurst })},
		{"limits.max_message_bytes", "The largest WebSocket message that is read; a larger one closes the connection.", size(func(l *consumer.Limits) *int { return &l.MaxMessageBytes })},
		{"limits.max_in_flight", "How many frames of a connection may wait or run; beyond, they are refused.", count(func(l *consumer.Limits) *int { return &l.MaxInFlight })},
		{"limits.in_flight_bytes", "How many bytes of payload these may have together.", size(func(l *consumer.Limits) *int { return &l.InFlightBytes })},
		{"limits.max_groups", "How many groups receivers may join for a connection.", count(func(l *consumer.Limits) *int { return &l.MaxGroups })},
		{"limits.outbox_bytes", "How much may wait to be written to a connection; beyond, it is closed.", size(func(l *consumer.Limits) *int { return &l.OutboxBytes })},
		{"limits.handshake_timeout", "How long a client may take to say Hello.", span(least, func(l *consumer.Limits) *time.Duration { return &l.HandshakeTimeout })},
		{"limits.heartbeat", "The silence after which a side shows that it is alive; after three times as long the connection is closed.", span(least, func(l *consumer.Limits) *time.Duration { return &l.Heartbeat })},
		{"limits.handler_timeout", "How long a handler may take unless its message says otherwise.", span(least, func(l *consumer.Limits) *time.Duration { return &l.HandlerTimeout })},
		{"limits.read_timeout", "How long a message may take from its first byte to its last one; after it the connection is closed.", span(least, func(l *consumer.Limits) *time.Duration { return &l.ReadTimeout })},
		{"limits.write_timeout", "How long one write may be stuck.", span(least, func(l *consumer.Limits) *time.Duration { return &l.WriteTimeout })},
		{"limits.dedupe_window", "How long the outcome of a frame with a key is kept.", span(least, func(l *consumer.Limits) *time.Duration { return &l.DedupeWindow })},
		{"limits.dedupe_per_user", "How many keys of one user are remembered; beyond, frames with a key are refused.", count(func(l *consumer.Limits) *int { return &l.DedupePerUser })},
		{"limits.dedupe_total", "The same for the whole node.", count(func(l *consumer.Limits) *int { return &l.DedupeTotal })},
		{"limits.dedupe_bytes", "How many bytes of replies are remembered on the node.", size(func(l *consumer.Limits) *int { return &l.DedupeBytes })},
		{"limits.token_grace", "How long a user stays one after their token has expired and they were asked for another. By default (0s) not at all.", span(0, func(l *consumer.Limits) *time.Duration { return &l.TokenGrace })},
		{"limits.ticket_life", "How long a client may be away and still resume its groups, at least " + shortDuration(shortestTicket) + ".", span(shortestTicket, func(l *consumer.Limits) *time.Duration { return &l.TicketLife })},
	}
}
