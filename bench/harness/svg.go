package main

import (
	"fmt"
	"html"
	"strings"
)

// Places of a plot, in pixels.
const (
	plotWidth  = 760
	labelWidth = 150
	barHeight  = 16
	barGap     = 4
	groupGap   = 18
	titleSpace = 44
	valueSpace = 90
)

// colours are those of the servers, in the order of [servers].
var colours = []string{"#0b5fa5", "#4a98d9", "#c0762b", "#7a6bb0", "#7d8590"}

// plot draws a table as bars: a group for each column, a bar for each server.
func (f *file) plot(t table) string {
	columns, rows := f.columns(t), f.rows()
	if len(columns) == 0 {
		return ""
	}
	most := 0.0
	for _, i := range columns {
		for _, server := range rows {
			most = max(most, f.of(server, t.names[i], t.figure).median)
		}
	}
	var body strings.Builder
	y := titleSpace
	for _, i := range columns {
		fmt.Fprintf(&body, `<text x="0" y="%d" font-weight="bold">%s</text>`+"\n", y+12, html.EscapeString(t.heads[i]))
		y += barHeight + barGap
		for _, server := range rows {
			value := f.of(server, t.names[i], t.figure)
			if value.count > 0 {
				y = bar(&body, y, server, value.median/most, thousands(value.median, t.digits)+" "+t.unit)
			}
		}
		y += groupGap
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[2]d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="13" role="img">
<title>%[3]s</title>
<rect width="100%%" height="100%%" fill="#ffffff"/>
<g fill="#1f2328" transform="translate(12 0)">
<text x="0" y="24" font-size="16" font-weight="bold">%[3]s</text>
%[4]s</g>
</svg>
`, plotWidth, y, html.EscapeString(t.title), body.String())
}

// bar draws one bar, whose length is a share of the longest, and returns where
// the next one begins.
func bar(to *strings.Builder, y int, server string, share float64, value string) int {
	const room = plotWidth - labelWidth - valueSpace - 24
	colour := colours[0]
	for i, name := range serverNames() {
		if name == server {
			colour = colours[i%len(colours)]
		}
	}
	width := share * room
	fmt.Fprintf(to, `<text x="%d" y="%d" text-anchor="end">%s</text>`, labelWidth-8, y+12, html.EscapeString(server))
	fmt.Fprintf(to, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`, labelWidth, y, width, barHeight, colour)
	fmt.Fprintf(to, `<text x="%.1f" y="%d">%s</text>`+"\n", labelWidth+width+6, y+12, html.EscapeString(strings.TrimSpace(value)))
	return y + barHeight + barGap
}
