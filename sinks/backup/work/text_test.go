package work

import "fmt"

func text(v any) string { return fmt.Sprintf("%v", v) }
