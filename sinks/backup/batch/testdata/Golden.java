import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.*;
import org.apache.kafka.common.utils.ByteBufferOutputStream;

/**
 * Writes kafka.log with Kafka's own classes, and in kafka.txt what Kafka's own
 * reader makes of it: {@code java -cp 'kafka 4.3.1 jars/*' Golden.java DIRECTORY}.
 */
class Golden {
    static final long NOW = 1_790_000_000_000L, DAY = 86_400_000L, NONE = -1L;
    static long offset = 1_000_000_000_000L;
    static final ByteBuffer log = ByteBuffer.allocate(1 << 20);

    static byte[] utf8(String s) { return s.getBytes(StandardCharsets.UTF_8); }

    static void batch(Compression c, TimestampType type, long appended, boolean tx, long horizon, long gap) {
        var out = new ByteBufferOutputStream(1 << 18);
        var b = new MemoryRecordsBuilder(out, (byte) 2, c, type, offset, appended, tx ? 7L : NONE, (short) (tx ? 2 : -1),
            tx ? 40 : -1, tx, false, 5, 1 << 18, horizon);
        b.appendWithOffset(offset, NOW, utf8("key"), utf8("value"), new Header[0]);
        b.appendWithOffset(offset + gap, NOW - 3650 * DAY, null, utf8("ten years ago"), new Header[0]);
        b.appendWithOffset(offset + 2 * gap, NOW + DAY, utf8("tombstone"), null, new Header[0]);
        b.appendWithOffset(offset + 3 * gap, NOW + 60 * DAY, new byte[0], new byte[0], new Header[] {
            new RecordHeader("twice", utf8("a")), new RecordHeader("twice", utf8("b")),
            new RecordHeader("null", null), new RecordHeader("empty", new byte[0]), new RecordHeader("", utf8("no name")) });
        b.appendWithOffset(offset + 4 * gap, NOW, utf8("long"), utf8("0123456789".repeat(7_000)), new Header[0]);
        log.put(b.build().buffer());
        offset += 5 * gap;
    }

    static String spell(ByteBuffer b) {
        if (b == null) return "null";
        var bytes = new byte[b.remaining()];
        b.duplicate().get(bytes);
        return "'" + HexFormat.of().formatHex(bytes) + "'";
    }

    public static void main(String[] args) throws Exception {
        var create = TimestampType.CREATE_TIME;
        var codecs = List.of(Compression.NONE, Compression.gzip().build(), Compression.snappy().build(),
            Compression.lz4().build(), Compression.lz4().level(9).build(), Compression.zstd().build());
        for (Compression c : codecs) batch(c, create, NONE, false, NONE, 1);
        batch(Compression.lz4().build(), TimestampType.LOG_APPEND_TIME, NOW + 5, false, NONE, 1);
        batch(Compression.NONE, create, NONE, true, NONE, 1);
        batch(Compression.zstd().build(), create, NONE, false, NOW + 7 * DAY, 3); // as the log cleaner writes
        log.put(MemoryRecords.withEndTransactionMarker(offset++, NOW, 5, 7L, (short) 2,
            new EndTransactionMarker(ControlRecordType.ABORT, 3)).buffer());
        var header = ByteBuffer.allocate(61);
        DefaultRecordBatch.writeEmptyHeader(header, (byte) 2, 7L, (short) 2, 40, offset, offset + 9, 5, create, NOW, true, false);
        log.put(header.flip());
        log.flip();
        var text = new StringBuilder();
        for (var batch : MemoryRecords.readableRecords(log.duplicate()).batches()) {
            batch.ensureValid();
            text.append(String.format("batch %d to %d, %s, producer %d/%d/%d, epoch %d, max %d%s%s%s%n", batch.baseOffset(), batch.lastOffset(),
                batch.compressionType().name, batch.producerId(), batch.producerEpoch(), batch.baseSequence(), batch.partitionLeaderEpoch(),
                batch.maxTimestamp(), batch.isTransactional() ? ", transactional" : "", batch.isControlBatch() ? ", control" : "",
                batch.deleteHorizonMs().isPresent() ? ", horizon " + batch.deleteHorizonMs().getAsLong() : ""));
            for (var r : batch) {
                text.append(String.format("%d @%d %s=%s", r.offset(), r.timestamp(), spell(r.key()), r.valueSize() > 1000 ? "#" + r.valueSize() : spell(r.value())));
                for (var h : r.headers()) text.append(" ").append(h.key()).append(":").append(spell(h.value() == null ? null : ByteBuffer.wrap(h.value())));
                text.append("\n");
            }
        }
        var bytes = new byte[log.remaining()];
        log.get(bytes);
        Files.write(Path.of(args[0], "kafka.log"), bytes);
        Files.writeString(Path.of(args[0], "kafka.txt"), text);
    }
}
