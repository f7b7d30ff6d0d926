package sops

import (
	"fmt"
	"strings"
	"time"

	"github.com/getsops/sops/v3"

	"github.com/ottla-io/ottla/reconcile"
)

// leaves visits every scalar in order; comments are no values.
func leaves(value any, visit func(any)) {
	switch v := value.(type) {
	case sops.TreeBranch:
		for _, item := range v {
			if _, comment := item.Key.(sops.Comment); !comment {
				leaves(item.Value, visit)
			}
		}
	case []any:
		for _, item := range v {
			leaves(item, visit)
		}
	case sops.Comment, nil:
	default:
		visit(v)
	}
}

// text spells a decrypted scalar.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case time.Time:
		return v.Format(time.RFC3339)
	default:
		return fmt.Sprint(v)
	}
}

// placehold puts placeholders of the right type where encrypted values are.
func (o opener) placehold(value any) any {
	switch v := value.(type) {
	case sops.TreeBranch:
		for i := range v {
			v[i].Value = o.placehold(v[i].Value)
		}
	case []any:
		for i := range v {
			v[i] = o.placehold(v[i])
		}
	case string:
		if IsEncrypted(v) {
			o.seen(reconcile.Placeholder)
			return placeholderFor(v)
		}
	}
	return value
}

func placeholderFor(encrypted string) any {
	switch {
	case strings.HasSuffix(encrypted, ",type:int]"):
		return 1
	case strings.HasSuffix(encrypted, ",type:float]"):
		return 1.5
	case strings.HasSuffix(encrypted, ",type:bool]"):
		return true
	case strings.HasSuffix(encrypted, ",type:comment]"):
		return sops.Comment{Value: reconcile.Placeholder}
	default:
		return reconcile.Placeholder
	}
}
