package consumer

// memberships are the groups of a connection. The few that most have are looked
// for one by one: a map would be most of the memory of an idle connection.
type memberships struct {
	all    []*membership
	byName map[string]int // where in all each one stands; nil while there are few
}

// fewGroups is how many are looked for one by one.
const fewGroups = 8

func (ms *memberships) len() int { return len(ms.all) }

// joined returns how many groups receivers have joined, which are those that a limit
// counts. The others, of the path and of the user, are few.
func (ms *memberships) joined() int {
	joined := len(ms.all)
	for _, m := range ms.all {
		if !m.byHandler {
			joined--
		}
	}
	return joined
}

func (ms *memberships) place(name string) int {
	if ms.byName != nil {
		if place, ok := ms.byName[name]; ok {
			return place
		}
		return -1
	}
	for i, m := range ms.all {
		if m.group.Name() == name {
			return i
		}
	}
	return -1
}

// get returns the membership in a group; nil for none.
func (ms *memberships) get(name string) *membership {
	if place := ms.place(name); place >= 0 {
		return ms.all[place]
	}
	return nil
}

// add adds a membership in a group that the connection is not in.
func (ms *memberships) add(m *membership) {
	ms.all = append(ms.all, m)
	switch n := len(ms.all); {
	case ms.byName != nil:
		ms.byName[m.group.Name()] = n - 1
	case n > fewGroups:
		ms.byName = make(map[string]int, 2*fewGroups)
		for i, m := range ms.all {
			ms.byName[m.group.Name()] = i
		}
	}
}

// remove ends the membership in a group.
func (ms *memberships) remove(name string) {
	place := ms.place(name)
	if place < 0 {
		return
	}
	last := len(ms.all) - 1
	moved := ms.all[last]
	ms.all[place] = moved
	ms.all[last] = nil
	ms.all = ms.all[:last]
	if ms.byName != nil {
		ms.byName[moved.group.Name()] = place
		delete(ms.byName, name)
	}
}
