package model

import (
	"strings"
	"unicode"
)

// Kebab spells a message name as a type: JoinRoom is join-room, HTTPGet is
// http-get, WhoAmI is who-am-i, Room_2 is room-2.
func Kebab(name string) string {
	runes := []rune(name)
	var kebab strings.Builder
	for i, r := range runes {
		if r == '_' {
			r = '-'
		} else if i > 0 && startsWord(runes, i) {
			kebab.WriteByte('-')
		}
		kebab.WriteRune(unicode.ToLower(r))
	}
	return strings.Trim(kebab.String(), "-")
}

// startsWord reports whether the letter at i begins a word: a capital after a
// small letter or a digit, or the last capital before small letters, which ends
// an acronym.
func startsWord(runes []rune, i int) bool {
	if !unicode.IsUpper(runes[i]) || runes[i-1] == '_' {
		return false
	}
	if !unicode.IsUpper(runes[i-1]) {
		return true
	}
	return i+1 < len(runes) && unicode.IsLower(runes[i+1])
}
