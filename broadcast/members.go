package broadcast

import "slices"

// Members returns the members that a group has on this node at this moment.
func (h *Hub) Members(group string) []Member {
	h.mu.RLock()
	g := h.groups[group]
	h.mu.RUnlock()
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.members)
}
