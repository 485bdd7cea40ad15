package protojson

import (
	"bytes"
	"math"
	"math/bits"
	"strconv"
)

// Why a number is no integer.
const (
	notIntegral = "not an integer"
	outOfRange  = "out of range"
)

// scanNumber returns the length of the JSON number that b starts with, 0 if it starts with none.
func scanNumber(b []byte) int {
	i := 0
	if i < len(b) && b[i] == '-' {
		i++
	}
	whole := countDigits(b[i:])
	if whole == 0 {
		return 0
	}
	if b[i] == '0' {
		whole = 1
	}
	i += whole
	if i < len(b) && b[i] == '.' {
		n := countDigits(b[i+1:])
		if n == 0 {
			return 0
		}
		i += 1 + n
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		n := countDigits(b[i:])
		if n == 0 {
			return 0
		}
		i += n
	}
	return i
}

func countDigits(b []byte) int {
	n := 0
	for n < len(b) && isDigit(b[n]) {
		n++
	}
	return n
}

// parseInteger reads the magnitude of a JSON number that is integral in any spelling, such as 10, 1e1, 10.0 or
// 100e-1. problem is empty, [notIntegral] or [outOfRange].
func parseInteger(number []byte) (negative bool, magnitude uint64, problem string) {
	negative = number[0] == '-'
	if negative {
		number = number[1:]
	}
	const safe = 19 // as many digits always fit
	if n := countDigits(number); n != len(number) || n > safe {
		magnitude, problem = parseDecimal(number)
		return negative, magnitude, problem
	}
	for _, c := range number {
		magnitude = magnitude*10 + uint64(c-'0')
	}
	return negative, magnitude, ""
}

// parseDecimal is parseInteger for numbers with a fraction, an exponent or many digits.
func parseDecimal(number []byte) (uint64, string) {
	exponent := 0
	if i := bytes.IndexAny(number, "eE"); i >= 0 {
		exponent = parseExponent(number[i+1:])
		number = number[:i]
	}
	whole, fraction, _ := bytes.Cut(number, []byte("."))
	fraction = bytes.TrimRight(fraction, "0")
	if len(fraction) == 0 && len(whole) == 1 && whole[0] == '0' {
		return 0, ""
	}
	exponent -= len(fraction)
	if exponent < 0 {
		kept := len(whole) + exponent
		if len(fraction) > 0 || kept < 0 || len(bytes.TrimRight(whole[kept:], "0")) > 0 {
			return 0, notIntegral
		}
		whole, exponent = whole[:kept], 0
	}
	var magnitude uint64
	ok := true
	for _, digits := range [...][]byte{whole, fraction} {
		for i := 0; ok && i < len(digits); i++ {
			magnitude, ok = shift(magnitude, digits[i])
		}
	}
	for ; ok && exponent > 0; exponent-- {
		magnitude, ok = shift(magnitude, '0')
	}
	if !ok {
		return 0, outOfRange
	}
	return magnitude, ""
}

// shift appends a decimal digit to n and reports whether the result fits.
func shift(n uint64, digit byte) (uint64, bool) {
	high, low := bits.Mul64(n, 10)
	sum, carry := bits.Add64(low, uint64(digit-'0'), 0)
	return sum, high == 0 && carry == 0
}

// parseExponent reads an exponent and stops at a size that no number of digits can make up for.
func parseExponent(b []byte) int {
	const limit = 1 << 27
	negative := b[0] == '-'
	if negative || b[0] == '+' {
		b = b[1:]
	}
	n := 0
	for _, c := range b {
		n = min(n*10+int(c-'0'), limit)
	}
	if negative {
		return -n
	}
	return n
}

// parseFloat reads a JSON number; ok is false if it is too large for the size.
func parseFloat(number []byte, bitSize int) (f float64, ok bool) {
	f, err := strconv.ParseFloat(string(number), bitSize)
	return f, err == nil
}

// appendFloat appends the shortest JSON number that reads back as f, or one of the three strings that stand for what
// JSON has no number for. The exponent starts where it does in JavaScript.
func appendFloat(dst []byte, f float64, bitSize int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	if size := math.Abs(f); size == 0 || size >= 1e-6 && size < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, bitSize)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, bitSize)
	if n := len(dst); dst[n-4] == 'e' && dst[n-2] == '0' { // e-07, of which JavaScript makes e-7
		dst = append(dst[:n-2], dst[n-1])
	}
	return dst
}
