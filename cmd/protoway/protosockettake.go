package main

// take takes a frame of the server. The reply of a message comes in front of its
// ack, with its uuid, and so do other messages for it: the last one is the reply.
func (p *protoSocketPeer) take(said *protoSocketSaid) {
	p.mu.Lock()
	call := p.call
	p.mu.Unlock()
	if call != nil && said.Headers.UUID != call.key {
		call = nil // it is not about this one
	}
	in := incoming{Type: said.Headers.MessageType, Body: said.Body, Correlated: call != nil}
	switch said.Headers.MessageType {
	case protoSocketAck:
		p.takeAck(said, call)
	case protoSocketTokenInvalid:
		p.tokenInvalid()
	case protoSocketProgress:
		p.takeProgress(said)
	default:
		if call != nil {
			p.mu.Lock()
			in, call.last = call.last, in
			p.mu.Unlock()
		}
		if in.Type != "" {
			p.hearing.message(in)
		}
	}
}

func (p *protoSocketPeer) takeAck(said *protoSocketSaid, call *protoSocketCall) {
	failure := said.failure()
	switch {
	case call != nil:
		select {
		case call.acked <- failure:
		default: // a second one, after it was sent again
		}
	case failure != nil && said.Headers.UUID == "":
		p.hearing.warn("the server cannot read a frame: %v", failure)
	}
}

func (p *protoSocketPeer) takeProgress(said *protoSocketSaid) {
	key, value, info := said.progress()
	p.mu.Lock()
	call := p.call
	p.mu.Unlock()
	if call != nil && key == call.key && call.outgoing.progress != nil {
		call.outgoing.progress(value, info)
	}
}
