#include "server/http/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <mutex>

namespace varve {
namespace {

// Seconds: from a memory hit over loopback to a scan of everything.
const prometheus::Histogram::BucketBoundaries kDurationBuckets = {
    0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60};

struct RouteMetrics {
  prometheus::Histogram* duration = nullptr;
  prometheus::Counter* count = nullptr;
};

prometheus::MetricFamily Single(const std::string& name, const std::string& help,
                                prometheus::MetricType type, double value) {
  prometheus::MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = type;
  family.metric.resize(1);
  family.metric[0].counter.value = value;
  family.metric[0].gauge.value = value;
  return family;
}

struct ProcessMemory {
  uint64_t virtual_bytes = 0;
  uint64_t resident_bytes = 0;
};

ProcessMemory ReadProcessMemory() {
  std::ifstream statm("/proc/self/statm");
  ProcessMemory memory;
  statm >> memory.virtual_bytes >> memory.resident_bytes;
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return {memory.virtual_bytes * page, memory.resident_bytes * page};
}

}  // namespace

class Metrics::Impl {
 public:
  Impl(std::function<DatabaseStats()> stats, std::function<StatementStats()> statements)
      : stats_(std::move(stats)),
        statements_(std::move(statements)),
        durations_(prometheus::BuildHistogram()
                       .Name("http_handler_duration")
                       .Help("Seconds a handler took, without sending the body")
                       .Register(registry_)),
        counters_(prometheus::BuildCounter()
                      .Name("http_handler_counter")
                      .Help("Requests answered")
                      .Register(registry_)) {}

  void ObserveRequest(std::string_view route, int status, std::chrono::nanoseconds time) {
    if (route.starts_with("/debug/")) {
      return;
    }
    const RouteMetrics metrics = MetricsOf(route, status);
    metrics.duration->Observe(std::chrono::duration<double>(time).count());
    metrics.count->Increment();
  }

  std::string Text() const {
    std::vector<prometheus::MetricFamily> families = registry_.Collect();
    AddDatabase(families, stats_());
    AddStatements(families, statements_());
    const auto gauge = prometheus::MetricType::Gauge;
    const ProcessMemory memory = ReadProcessMemory();
    families.push_back(Single("process_resident_memory_bytes", "Memory that is in RAM", gauge,
                              static_cast<double>(memory.resident_bytes)));
    families.push_back(Single("process_virtual_memory_bytes", "Address space in use", gauge,
                              static_cast<double>(memory.virtual_bytes)));
    return prometheus::TextSerializer().Serialize(families);
  }

 private:
  RouteMetrics MetricsOf(std::string_view route, int status) {
    std::lock_guard lock(mutex_);
    RouteMetrics& metrics = routes_[{std::string(route), status}];
    if (metrics.count == nullptr) {
      const prometheus::Labels labels = {{"path", route.empty() ? "unknown" : std::string(route)},
                                         {"code", std::to_string(status)}};
      metrics.duration = &durations_.Add(labels, kDurationBuckets);
      metrics.count = &counters_.Add(labels);
    }
    return metrics;
  }

  static void AddStatements(std::vector<prometheus::MetricFamily>& families,
                            const StatementStats& stats) {
    const auto counter = [&](const char* name, const char* help, uint64_t value) {
      families.push_back(
          Single(name, help, prometheus::MetricType::Counter, static_cast<double>(value)));
    };
    counter("blocked_request_counter", "Statements refused by a block list or rule", stats.blocked);
    counter("varve_slow_statements_total", "Statements that took longer than the threshold",
            stats.slow);
    counter("varve_failed_statements_total", "Statements that failed", stats.failed);
  }

  static void AddDatabase(std::vector<prometheus::MetricFamily>& families,
                          const DatabaseStats& stats) {
    const auto counter = [&](const char* name, const char* help, uint64_t value) {
      families.push_back(
          Single(name, help, prometheus::MetricType::Counter, static_cast<double>(value)));
    };
    const auto gauge = [&](const char* name, const char* help, uint64_t value) {
      families.push_back(
          Single(name, help, prometheus::MetricType::Gauge, static_cast<double>(value)));
    };
    gauge("varve_tables", "Tables of all schemas", stats.tables);
    counter("varve_written_rows_total", "Rows acknowledged since the start", stats.written_rows);
    counter("varve_written_batches_total", "Batches acknowledged since the start",
            stats.written_batches);
    counter("varve_rejected_writes_total", "Writes refused for lack of memory",
            stats.rejected_writes);
    counter("varve_recovered_rows_total", "Rows replayed from the log at the start",
            stats.recovered_rows);
    counter("varve_ttl_dropped_rows_total",
            "Rows that were past their table's ttl when they were written, and were not kept",
            stats.ttl_dropped_rows);
    AddHousekeeping(counter, stats.housekeeping);
    counter("varve_late_rows_total",
            "Rows written that were not beyond the newest row of their series", stats.late_rows);
    counter("varve_key_lookups_total", "Keys of such rows looked up in files", stats.key_lookups);
    gauge("varve_series_front_bytes", "Memory of what is known of the newest row of each series",
          stats.front_bytes);
    gauge("varve_memtable_bytes", "Memory of all memtables", stats.memtable_bytes);
    counter("varve_flushes_total", "Memtables written to files", stats.flushes);
    counter("varve_flushed_rows_total", "Rows written to files", stats.flushed_rows);
    counter("varve_flush_failures_total", "Flushes that failed and are tried again",
            stats.flush_failures);
    AddCompaction(families, stats);
    counter("varve_wal_appends_total", "Appends to the write-ahead log", stats.wal.appends);
    counter("varve_wal_appended_bytes_total", "Bytes appended to the write-ahead log",
            stats.wal.appended_bytes);
    gauge("varve_wal_size_bytes", "Bytes the write-ahead log holds", stats.wal.size_bytes);
  }

  static void AddCompaction(std::vector<prometheus::MetricFamily>& families,
                            const DatabaseStats& stats) {
    const auto add = [&](prometheus::MetricType type, const char* name, const char* help,
                         uint64_t value) {
      families.push_back(Single(name, help, type, static_cast<double>(value)));
    };
    const auto counter = prometheus::MetricType::Counter;
    const auto gauge = prometheus::MetricType::Gauge;
    const MaintenanceStats& compaction = stats.compaction;
    add(counter, "varve_compactions_total", "Merges of files that were committed",
        compaction.compactions);
    add(counter, "varve_compaction_failures_total", "Merges of files that failed",
        compaction.failures);
    add(counter, "varve_compaction_rows_total", "Rows read by merges", compaction.rows);
    add(counter, "varve_compaction_read_bytes_total", "Bytes of the files that were merged",
        compaction.bytes_read);
    add(counter, "varve_compaction_written_bytes_total", "Bytes of the files that merges wrote",
        compaction.bytes_written);
    add(gauge, "varve_compaction_running", "Merges that run now", compaction.running);
    add(gauge, "varve_compaction_pending_tables", "Tables that wait for a merge",
        compaction.pending_tables);
    add(gauge, "varve_compaction_pending_files", "Files that wait to be merged",
        compaction.pending_files);
    add(gauge, "varve_compaction_pending_bytes", "Bytes of these files", compaction.pending_bytes);
    add(gauge, "varve_quarantined_files", "Files that cannot be read and are left alone",
        stats.quarantined_files);
  }

  template <class AddCounter>
  static void AddHousekeeping(const AddCounter& counter, const HousekeepingStats& stats) {
    counter("varve_ttl_expired_files_total", "Files taken out of their table by its ttl",
            stats.ttl_expired_files);
    counter("varve_expired_versions_total", "Old versions of tables that have expired",
            stats.expired_versions);
    counter("varve_gc_passes_total", "Passes of garbage collection", stats.gc_passes);
    counter("varve_gc_failures_total",
            "Passes that could not read something and so deleted nothing", stats.gc_failures);
    counter("varve_gc_deleted_files_total", "Files that garbage collection has deleted",
            stats.gc_deleted_files);
    counter("varve_gc_deleted_bytes_total", "Their bytes", stats.gc_deleted_bytes);
  }

  const std::function<DatabaseStats()> stats_;
  const std::function<StatementStats()> statements_;
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Histogram>& durations_;
  prometheus::Family<prometheus::Counter>& counters_;
  std::mutex mutex_;
  std::map<std::pair<std::string, int>, RouteMetrics> routes_;
};

Metrics::Metrics(std::function<DatabaseStats()> stats, std::function<StatementStats()> statements)
    : impl_(std::make_unique<Impl>(std::move(stats), std::move(statements))) {}
Metrics::~Metrics() = default;

void Metrics::ObserveRequest(std::string_view route, int status, std::chrono::nanoseconds time) {
  impl_->ObserveRequest(route, status, time);
}

std::string Metrics::Text() const { return impl_->Text(); }

}  // namespace varve
