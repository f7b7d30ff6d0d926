package git

// SetMaxPacks lets a test see a clone replaced without a hundred transfers.
func (r *Repository) SetMaxPacks(n int) { r.packs = n }
