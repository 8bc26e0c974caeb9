import java.io.File;
import java.util.Map;
import java.util.TreeMap;
import org.HdrHistogram.EncodableHistogram;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramLogReader;

/**
 * Sums up a histogram log with HdrHistogram's own reader: for each tag the number of
 * intervals and of values, then the values at p50, p90, p99 and p99.9, in nanoseconds.
 *
 *   java -cp /usr/share/java/HdrHistogram.jar Sums.java run.hlog
 */
class Sums {
    public static void main(String[] args) throws Exception {
        Map<String, Histogram> sums = new TreeMap<>();
        Map<String, Integer> intervals = new TreeMap<>();
        HistogramLogReader log = new HistogramLogReader(new File(args[0]));
        for (EncodableHistogram h; (h = log.nextIntervalHistogram()) != null; ) {
            sums.computeIfAbsent(h.getTag(), tag -> new Histogram(1000, 3_600_000_000_000L, 3)).add((Histogram) h);
            intervals.merge(h.getTag(), 1, Integer::sum);
        }
        for (Map.Entry<String, Histogram> e : sums.entrySet()) {
            Histogram h = e.getValue();
            System.out.printf("%s %d %d", e.getKey(), intervals.get(e.getKey()), h.getTotalCount());
            for (double p : new double[] {50, 90, 99, 99.9}) {
                System.out.printf(" %d", h.getValueAtPercentile(p));
            }
            System.out.println();
        }
    }
}
