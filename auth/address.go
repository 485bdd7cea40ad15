package auth

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the networks of proxies whose word about the address of a client is
// taken.
type Proxies []netip.Prefix

// ParseProxies reads addresses and networks: "10.0.0.7", "10.0.0.0/8".
func ParseProxies(texts []string) (Proxies, error) {
	var all Proxies
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			one, failed := netip.ParseAddr(text)
			if failed != nil {
				return nil, fmt.Errorf("trusted proxy %q: state an address or a network, such as 10.0.0.0/8", text)
			}
			network = netip.PrefixFrom(one, one.BitLen())
		}
		all = append(all, network.Masked())
	}
	return all, nil
}

func (p Proxies) trust(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(a) })
}

// forwardedFor is the header to which each proxy appends who has asked it.
const forwardedFor = "X-Forwarded-For"

// ClientOf returns the address of the client: that of the connection, or behind
// trusted proxies the last one in X-Forwarded-For that is none of theirs. What
// stands in front of it anybody may have written. The zero address is not known.
func (p Proxies) ClientOf(r *http.Request) netip.Addr {
	socket, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	client := socket.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values(forwardedFor), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !p.trust(client) {
			break
		}
		said, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		client = said.Unmap()
	}
	return client
}
