package reconcile

import (
	"encoding/json"
	"fmt"
	"io"
)

// Form says what kind of knowledge a Value is.
type Form uint8

// The forms a Value takes.
const (
	// Absent is the zero Value: not declared, or not looked at.
	Absent Form = iota
	// Text is a plain value in canonical spelling.
	Text
	// Secret is a value that is never printed; it is compared by its keyed print (Seal).
	Secret
	// Unset was looked at and is not set: the cluster's default holds.
	Unset
	// Unmanaged is declared null: leave the key alone.
	Unmanaged
	// WriteOnly exists live and cannot be read back.
	WriteOnly
	// Unknown could not be observed, or its history is unknown.
	Unknown
)

var formNames = [...]string{"absent", "text", "secret", "unset", "unmanaged", "writeOnly", "unknown"}

// String is the form's name as it stands in JSON.
func (f Form) String() string { return formNames[f] }

// Value is one field's value. It is comparable with ==, which compares
// secrets by their print: two secrets are equal only after Seal gave both one.
// Every printed form of a secret is masked, also inside another struct: the
// plaintext sits behind a pointer that no formatting verb follows.
type Value struct {
	form  Form
	text  string // Text: the value. Secret: its print once sealed
	plain *secret
}

// secret keeps plaintext out of reach of fmt, whatever the verb and however
// deep: for a verb that does not fit, fmt opens one pointer, never a second.
type secret struct{ text *string }

func hidden(text string) *secret { return &secret{&text} }

func (*secret) String() string               { return masked }
func (*secret) GoString() string             { return masked }
func (*secret) Format(s fmt.State, _ rune)   { _, _ = io.WriteString(s, masked) }
func (*secret) MarshalJSON() ([]byte, error) { return json.Marshal(masked) }

const masked = "••••••"

// TextOf is a plain value. The caller spells it canonically.
func TextOf(s string) Value { return Value{form: Text, text: s} }

// SecretOf is a value that is never printed.
func SecretOf(plaintext string) Value { return Value{form: Secret, plain: hidden(plaintext)} }

// UnsetValue was looked at and is not set.
func UnsetValue() Value { return Value{form: Unset} }

// UnmanagedValue is a declared null.
func UnmanagedValue() Value { return Value{form: Unmanaged} }

// WriteOnlyValue exists live and cannot be read.
func WriteOnlyValue() Value { return Value{form: WriteOnly} }

// UnknownValue could not be observed.
func UnknownValue() Value { return Value{form: Unknown} }

// Form says what kind of knowledge this is.
func (v Value) Form() Form { return v.form }

// Is tells whether the value has this form.
func (v Value) Is(f Form) bool { return v.form == f }

// Text returns the plain text of a Text value and "" for every other form.
func (v Value) Text() string {
	if v.form == Text {
		return v.text
	}
	return ""
}

// Plaintext returns a secret's plaintext for the one call that sends it on.
// It is false for every other form, and for a secret read back from a ledger
// or a saved plan, which only ever held its print.
func (v Value) Plaintext() (string, bool) {
	if v.form != Secret || v.plain == nil {
		return "", false
	}
	return *v.plain.text, true
}

// Same tells whether two values mean the same. Secrets are the same when both
// are sealed and their prints are equal.
func (v Value) Same(w Value) bool {
	if v.form != w.form {
		return false
	}
	if v.form == Secret && v.text == "" {
		return false
	}
	return v.text == w.text
}

// String is what people see; secrets are masked.
func (v Value) String() string {
	switch v.form {
	case Text:
		return v.text
	case Secret, WriteOnly:
		return masked
	case Unset:
		return "(default)"
	case Unmanaged:
		return "(left alone)"
	case Unknown:
		return "(unknown)"
	default:
		return "(none)"
	}
}

// GoString is String: %#v must not show more.
func (v Value) GoString() string { return v.String() }

// Format prints String for every verb.
func (v Value) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, v.String()) }

type valueJSON struct {
	Form string `json:"form"`
	Text string `json:"text,omitempty"`
}

// MarshalJSON writes a plain text as a string and every other form as an
// object; of a secret only its keyed print is written.
func (v Value) MarshalJSON() ([]byte, error) {
	if v.form == Text {
		return json.Marshal(v.text)
	}
	return json.Marshal(valueJSON{Form: v.form.String(), Text: v.text})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		v.form = Text
		return json.Unmarshal(data, &v.text)
	}
	var j valueJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	for i, name := range formNames {
		if name == j.Form {
			v.form, v.text = Form(i), j.Text
			return nil
		}
	}
	return fmt.Errorf("unknown value form %q", j.Form)
}
