package migrate

// Rewrite is rewrite, for the fuzz test.
func Rewrite(text string, trustAuth bool) (string, *Report) {
	report := new(Report)
	return rewrite("fuzz.proto", text, Options{Rewrite: true, TrustAuth: trustAuth}, report), report
}

// Words are the words of a file without its comments.
func Words(text string) []string {
	s, err := scan("fuzz.proto", text)
	if err != nil {
		return nil
	}
	var words []string
	for _, each := range s.items {
		if !each.comment {
			words = append(words, each.text)
		}
	}
	return words
}
