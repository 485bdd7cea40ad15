// Package protoway is a gateway for protocol-buffer messages: clients hold one
// WebSocket each, and every message they send is routed to a typed method.
//
//	server, err := protoway.New(protoway.Config{
//		Verifier: auth.HS256(secret),
//		Paths: map[string]protoway.Path{
//			"/ws": {Receivers: []receivers.Receiver{receivers.Discover(&Chat{})}},
//		},
//	})
//	if err != nil {
//		log.Fatal(err)
//	}
//	log.Fatal(server.ListenAndServe(ctx, ":8080", nil))
//
// The one idea: the schema carries the policy. What a message is called, who may
// send it and who may receive it stands beside its fields, and this package
// wires the parts that enforce it. It decides nothing itself.
package protoway
