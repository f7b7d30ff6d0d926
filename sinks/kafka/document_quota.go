package kafka

import (
	"math"

	"github.com/ottla-io/ottla/reconcile"
	"github.com/ottla-io/ottla/reconcile/strict"
)

type userQuotas struct {
	ProducerByteRate       *float64 `json:"producerByteRate" doc:"Bytes a second to each broker, a whole number; null leaves it alone." min:"0"`
	ConsumerByteRate       *float64 `json:"consumerByteRate" doc:"Bytes a second from each broker, a whole number; null leaves it alone." min:"0"`
	RequestPercentage      *float64 `json:"requestPercentage" doc:"Share of a broker's request threads, 100 for one thread; null leaves it alone." min:"0"`
	ControllerMutationRate *float64 `json:"controllerMutationRate" doc:"Partitions created and deleted a second; null leaves it alone." min:"0"`
}

// Check wants byte rates in whole bytes, as Kafka does. They are read as
// floats because a renderer may spell 10485760 as 1.048576e+07.
func (q *userQuotas) Check(report func(path, text string)) {
	whole := func(path string, rate *float64) {
		if rate != nil && *rate != math.Trunc(*rate) {
			report(path, "wants a whole number of bytes, is "+CanonicalQuota(*rate))
		}
	}
	whole("producerByteRate", q.ProducerByteRate)
	whole("consumerByteRate", q.ConsumerByteRate)
}

// quotas declares the user's quotas; with quotas: {} an empty bag, so that one
// set by hand is seen.
func (u *userReader) quotas() {
	q := u.spec.Quotas
	if q == nil {
		return
	}
	principal := u.principal()
	id := QuotaEntityID(QuotaPart{Type: "user", Name: &principal})
	entity := declare(u.doc, id.Kind, id.Name, "spec.quotas")
	entity.rates(q.rates())
	u.out = append(u.out, entity.Resource)
}

// rate is one quota: Kafka's key, the field of the document, and its value.
type rate struct {
	key, field string
	value      *float64
}

func (q *userQuotas) rates() []rate {
	return []rate{
		{"producer_byte_rate", "producerByteRate", q.ProducerByteRate},
		{"consumer_byte_rate", "consumerByteRate", q.ConsumerByteRate},
		{"request_percentage", "requestPercentage", q.RequestPercentage},
		{"controller_mutation_rate", "controllerMutationRate", q.ControllerMutationRate},
	}
}

// rates declares what stands below spec.quotas; null leaves a quota alone.
func (d *declared) rates(all []rate) {
	for _, one := range all {
		line := strict.LineOf(d.doc.Body, "spec.quotas."+one.field)
		switch {
		case one.value != nil:
			d.set(one.key, reconcile.TextOf(CanonicalQuota(*one.value)), line)
		case nullAt(d.doc.Body, "spec", "quotas", one.field):
			d.set(one.key, reconcile.UnmanagedValue(), line)
		}
	}
}
