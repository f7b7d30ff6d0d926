package batch

import "encoding/binary"

// Signed numbers are written as two's complement: the same bits, big-endian.

//nolint:gosec // the same bits
func getInt64(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }

//nolint:gosec // the same bits
func getInt32(b []byte) int32 { return int32(binary.BigEndian.Uint32(b)) }

//nolint:gosec // the same bits
func getInt16(b []byte) int16 { return int16(binary.BigEndian.Uint16(b)) }

//nolint:gosec // the same bits
func putInt64(b []byte, v int64) { binary.BigEndian.PutUint64(b, uint64(v)) }

//nolint:gosec // the same bits
func putInt32(b []byte, v int32) { binary.BigEndian.PutUint32(b, uint32(v)) }

//nolint:gosec // the same bits
func putInt16(b []byte, v int16) { binary.BigEndian.PutUint16(b, uint16(v)) }

//nolint:gosec // the same bits
func appendInt64(b []byte, v int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(v)) }

// appendLen writes a length or count in four bytes; -1 is null.
//
//nolint:gosec // slices of more than 2 GiB come from no batch
func appendLen(b []byte, n int) []byte { return binary.BigEndian.AppendUint32(b, uint32(n)) }

// narrow is a length, count or delta of what was held to fit into a batch.
//
//nolint:gosec // of what was held to fit
func narrow[N int | int64](n N) int32 { return int32(n) }
