package main

import (
	"github.com/spf13/cobra"

	"github.com/ottla-io/ottla/agent"
)

// values are what documents may refer to and a sync's configuration gives:
// without the configuration, flags do.
type values struct{ substitute, parameters map[string]string }

func (v *values) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringToStringVar(&v.substitute, "substitute", nil, "VAR=VALUE for ${VAR} in documents, as syncs[].substitute; may be repeated")
	f.StringToStringVar(&v.parameters, "template-parameter", nil, "NAME=VALUE for OpenShift Templates, as syncs[].templateParameters; may be repeated")
}

// reader reads without keys: placeholders stand for what is encrypted.
func (v values) reader(encryptedOnly bool) reader {
	sync := agent.SyncConfig{Substitute: v.substitute, TemplateParameters: v.parameters}
	return reader{renderer: newRenderer(sync), encryptedOnly: encryptedOnly}
}
