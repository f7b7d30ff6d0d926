package batch

// NewBounded is a decoder with a bound that a test can afford.
func NewBounded(limit int) *Decoder { return &Decoder{unpack: decompressor{limit: limit}} }
