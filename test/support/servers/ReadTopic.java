import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Prints each record of a topic: partition, offset, key or -, value, then name:value of each header; bytes in base64. */
public class ReadTopic {
  public static void main(String[] args) {
    Map<String, Object> settings = Map.of("bootstrap.servers", args[0], "isolation.level", "read_committed", "enable.auto.commit", false);
    PrintStream out = new PrintStream(System.out, false);
    Base64.Encoder base64 = Base64.getEncoder();
    try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions = new ArrayList<>();
      for (PartitionInfo info : consumer.partitionsFor(args[1])) partitions.add(new TopicPartition(info.topic(), info.partition()));
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      for (TopicPartition partition : partitions) {
        consumer.assign(List.of(partition));
        consumer.seekToBeginning(List.of(partition));
        while (consumer.position(partition) < ends.get(partition)) {
          for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
            StringBuilder line = new StringBuilder();
            line.append(record.partition()).append(' ').append(record.offset()).append(' ');
            line.append(record.key() == null ? "-" : base64.encodeToString(record.key())).append(' ');
            line.append(base64.encodeToString(record.value()));
            for (Header header : record.headers()) line.append(' ').append(header.key()).append(':').append(base64.encodeToString(header.value()));
            out.println(line);
          }
        }
      }
    }
    out.flush();
  }
}
