package auth

// ParseHash says what is wrong with a hash, without computing anything.
func ParseHash(hash string) error {
	_, err := parseHash(hash)
	return err
}

// Padding returns the steps that make a hash take as long as the decoy.
func Padding(hash, decoy string) int {
	parsed, err := parseHash(hash)
	if err != nil {
		panic(err)
	}
	like, err := parseDecoy(decoy)
	if err != nil {
		panic(err)
	}
	return parsed.padding(like)
}

// HoldPasswords takes all places of the checks that run, until release is called.
func HoldPasswords(p *Passwords) (release func()) {
	for range cap(p.running) {
		p.admitted <- struct{}{}
		p.running <- struct{}{}
	}
	return func() {
		for range cap(p.running) {
			<-p.running
			<-p.admitted
		}
	}
}
