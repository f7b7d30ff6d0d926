package main

import (
	"errors"
	"strings"
	"text/scanner"
	"unicode"
)

// jaas reads one JAAS entry as Kafka's sasl.jaas.config holds it: MODULE FLAG
// name="value" …; (org.apache.kafka.common.security.JaasConfig). Its errors hold
// nothing of the text: a password stands in it.
func jaas(text string) (module string, options map[string]string, err error) {
	options = map[string]string{}
	if strings.TrimSpace(text) == "" {
		return "", options, nil
	}
	var s scanner.Scanner
	s.Init(strings.NewReader(text))
	s.Mode = scanner.ScanIdents | scanner.ScanStrings | scanner.ScanComments | scanner.SkipComments
	s.IsIdentRune = func(r rune, _ int) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-$", r)
	}
	open := false
	s.Error = func(_ *scanner.Scanner, text string) { open = open || text == "literal not terminated" }
	s.Scan()
	module = s.TokenText()
	s.Scan() // required, sufficient, …: a client has one module
	for token := s.Scan(); token != ';'; token = s.Scan() {
		name := s.TokenText()
		if token != scanner.Ident || s.Scan() != '=' {
			return "", nil, errors.New(`it is not MODULE required name="value" …; as Kafka writes it, with a semicolon at its end`)
		}
		quoted := s.Scan() == scanner.String
		if open {
			return "", nil, errors.New("the quote of " + name + " is not closed")
		}
		options[name] = s.TokenText()
		if quoted {
			options[name] = unquote(s.TokenText())
		}
	}
	return module, options, nil
}

// unquote takes quotes and escapes away as Java's StreamTokenizer does: an
// escape that means nothing is its character.
func unquote(text string) string {
	var b strings.Builder
	escaped := false
	for _, r := range strings.TrimSuffix(strings.TrimPrefix(text, `"`), `"`) {
		switch {
		case escaped:
			b.WriteString(strings.NewReplacer("n", "\n", "t", "\t", "r", "\r").Replace(string(r)))
			escaped = false
		case r == '\\':
			escaped = true
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
