package model

// claim is one type in one direction.
type claim struct {
	name       string
	fromClient bool
}

// claims lists what the message occupies. BOTH occupies both directions. A type
// that could not be read occupies nothing.
func (m *Message) claims() []claim {
	if m.misread(numberType) {
		return nil
	}
	var claims []claim
	if m.FromClient() {
		claims = append(claims, claim{m.Rules.GetType(), true})
	}
	if m.FromServer() {
		claims = append(claims, claim{m.Rules.GetType(), false})
	}
	return claims
}

// checkTypesUnique finds types that mean two messages in one direction.
func checkTypesUnique(messages []*Message, problems *Problems) {
	taken := make(map[claim]*Message)
	for _, message := range messages {
		var reported *Message
		for _, each := range message.claims() {
			other := taken[each]
			switch {
			case other == nil:
				taken[each] = message
			case other != reported:
				addTaken(message, other, problems)
				reported = other
			}
		}
	}
}

// addTaken reports at the later message, or at the earlier one if the later is
// only imported.
func addTaken(message, other *Message, problems *Problems) {
	if !message.File.Generate {
		message, other = other, message
	}
	if !message.File.Generate {
		return
	}
	problems.Add(message.atRule(numberType),
		"the type is taken by "+string(other.Desc.FullName())+" at "+other.atRule(numberType).String(),
		quote(message.Rules.GetType()), "state another type; one may exist once per direction")
}
