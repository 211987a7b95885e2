#include "protect/transfer_service.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <thread>

#include "base/log.h"
#include "base/units.h"
#include "protect/export_job.h"
#include "protect/import_job.h"
#include "protect/place.h"
#include "protect/snapshot_error.h"
#include "protect/transfer_options.h"

namespace varve {
namespace {

constexpr std::chrono::milliseconds kAskInterval{100};  // whether a statement is to go on

// One that runs or has run.
struct Transfer {
  Transfer(TransferKind kind, std::string location, std::string id, TimestampUs started_at,
           std::chrono::steady_clock::time_point began)
      : kind(kind), began(began) {
    status.location = std::move(location);
    status.id = std::move(id);
    status.started_at = started_at;
  }

  const TransferKind kind;
  const std::chrono::steady_clock::time_point began;
  TransferProgress progress;
  std::mutex mutex;
  std::condition_variable ended;
  TransferStatus status;               // without what `progress` says
  std::optional<Error> error;          // of one that has failed
  std::optional<std::jthread> thread;  // last: it uses all the others
};

class TransferServiceImpl final : public TransferService {
 public:
  explicit TransferServiceImpl(TransferServiceOptions options)
      : options_(std::move(options)), rows_(RowFiles::Make(options_.memory_bytes_max)) {}

  ~TransferServiceImpl() override {
    const std::lock_guard lock(mutex_);
    for (const auto& transfer : transfers_) {
      transfer->thread->request_stop();
    }
    for (const auto& transfer : transfers_) {
      transfer->thread->join();
    }
  }

  Result<TransferStatus> Run(const TransferRequest& request,
                             const std::function<Status()>& go_on) override {
    VARVE_ASSIGN(const Location location, Location::Parse(request.location));
    TransferMode mode;
    StoreCredentials credentials;
    Work work;
    if (request.kind == TransferKind::kExport) {
      VARVE_ASSIGN(ExportOptions options, ParseExportOptions(request.options));
      VARVE_TRY(PrepareSince(location, options));
      mode = options.mode;
      credentials = options.credentials;
      work = [this, options](Transfer& transfer, std::stop_token stop) {
        return Export(transfer, options, stop);
      };
    } else {
      VARVE_ASSIGN(const ImportOptions options, ParseImportOptions(request.options));
      mode = options.mode;
      credentials = options.credentials;
      work = [this, options](Transfer& transfer, std::stop_token stop) {
        return Import(transfer, options, stop);
      };
    }
    // A place that cannot be right shows at once.
    VARVE_TRY(Open(location.ToString(), credentials, UseOf(request.kind)));
    VARVE_TRY(MakeTempFolder());
    VARVE_ASSIGN(const auto transfer, Start(request.kind, location.ToString(), std::move(work)));
    if (mode.wait == TransferMode::Wait::kForEnd) {
      VARVE_TRY(Await(*transfer, go_on));
    }
    return StatusOf(*transfer);
  }

  Result<uint64_t> ReleaseExport(const std::string& snapshot_id) override {
    const auto id = Uuid::Parse(snapshot_id);
    if (!id) {
      return InvalidArgument("'{}' is not the id of a snapshot", snapshot_id);
    }
    const std::lock_guard lock(mutex_);
    for (const auto& transfer : transfers_) {
      const std::lock_guard transfer_lock(transfer->mutex);
      if (transfer->kind == TransferKind::kExport &&
          transfer->status.state == TransferState::kRunning &&
          transfer->status.snapshot_id == snapshot_id) {
        return Named(ErrorKind::kUnavailable, kOperationLocked,
                     "the export to {} runs: end it first", transfer->status.location);
      }
    }
    return ReleaseSources(*options_.database, *id);
  }

  std::vector<TransferStatus> List(TransferKind kind) const override {
    const std::lock_guard lock(mutex_);
    std::vector<TransferStatus> all;
    for (const auto& transfer : transfers_) {
      if (transfer->kind == kind) {
        all.push_back(StatusOf(*transfer));
      }
    }
    return all;
  }

 private:
  using Work = std::function<Status(Transfer&, std::stop_token)>;

  static PlaceUse UseOf(TransferKind kind) {
    return kind == TransferKind::kExport ? PlaceUse::kWrite : PlaceUse::kRead;
  }

  Result<std::unique_ptr<ObjectStore>> Open(const std::string& location,
                                            const StoreCredentials& credentials,
                                            PlaceUse use) const {
    return OpenPlace(location,
                     {.policy = options_.policy,
                      .clock = &options_.database->clock(),
                      .credentials = credentials},
                     use);
  }

  // The earlier snapshot, when the export asks for what is new since one.
  Status PrepareSince(const Location& location, ExportOptions& options) const {
    if (!options.request.since) {
      return {};
    }
    VARVE_ASSIGN(const Location since, Location::Parse(*options.request.since));
    if (since == location) {
      return InvalidArgument(
          "since is {}, where the export itself is to be: an increment is a snapshot of its own, "
          "in "
          "another folder",
          since.ToString());
    }
    options.request.since = since.ToString();
    VARVE_TRY(Open(*options.request.since, options.credentials, PlaceUse::kRead));
    return {};
  }

  Status MakeTempFolder() const {
    std::error_code error;
    std::filesystem::create_directories(options_.temp_folder, error);
    return error ? Io("cannot make the folder {}: {}", options_.temp_folder, error.message())
                 : Status();
  }

  Result<std::shared_ptr<Transfer>> Start(TransferKind kind, const std::string& location,
                                          Work work) {
    const std::lock_guard lock(mutex_);
    for (const auto& other : transfers_) {
      const std::lock_guard other_lock(other->mutex);
      if (other->status.location == location && other->kind == kind &&
          other->status.state == TransferState::kRunning) {
        return Named(ErrorKind::kUnavailable, kOperationLocked,
                     "{} is being worked on since {}: wait until that has ended", location,
                     FormatTimestamp(other->status.started_at.value()));
      }
    }
    ForgetOldLocked();
    const Clock& clock = options_.database->clock();
    auto transfer = std::make_shared<Transfer>(
        kind, location, options_.database->ids().NewUuid().ToString(), clock.Now(), clock.Steady());
    transfers_.push_back(transfer);
    // The thread's transfer outlives it: both end before the service does.
    transfer->thread.emplace([this, &transfer = *transfer, work = std::move(work)](
                                 std::stop_token stop) { End(transfer, work(transfer, stop)); });
    return transfer;
  }

  void ForgetOldLocked() {
    while (transfers_.size() >= kEndedTransfersMax) {
      const auto old = std::ranges::find_if(transfers_, [](const auto& transfer) {
        const std::lock_guard lock(transfer->mutex);
        return transfer->status.state != TransferState::kRunning;
      });
      if (old == transfers_.end()) {
        return;
      }
      transfers_.erase(old);
    }
  }

  void End(Transfer& transfer, const Status& status) {
    const std::lock_guard lock(transfer.mutex);
    transfer.status.ended_at = options_.database->clock().Now();
    if (status) {
      if (transfer.status.state == TransferState::kRunning) {
        transfer.status.state = TransferState::kDone;
      }
    } else {
      transfer.status.state = TransferState::kFailed;
      transfer.status.error = status.error().message;
      transfer.error = status.error();
      LogError("{} {}: {}", transfer.kind == TransferKind::kExport ? "export to" : "import from",
               transfer.status.location, status.error().message);
    }
    transfer.ended.notify_all();
  }

  Status Await(Transfer& transfer, const std::function<Status()>& go_on) {
    std::unique_lock lock(transfer.mutex);
    Status stopped;
    while (!transfer.ended.wait_for(lock, kAskInterval, [&] {
      return transfer.status.state != TransferState::kRunning && transfer.status.ended_at;
    })) {
      lock.unlock();
      stopped = go_on();
      if (!stopped) {
        transfer.thread->request_stop();
      }
      lock.lock();
    }
    if (transfer.error) {
      return stopped ? std::unexpected(*transfer.error) : stopped;
    }
    return {};
  }

  Status Export(Transfer& transfer, const ExportOptions& options, const std::stop_token& stop) {
    VARVE_ASSIGN(const auto place,
                 Open(transfer.status.location, options.credentials, PlaceUse::kWrite));
    std::unique_ptr<ObjectStore> since;
    if (options.request.since) {
      VARVE_ASSIGN(since, Open(*options.request.since, options.credentials, PlaceUse::kRead));
    }
    ExportJob job({.database = options_.database,
                   .target = place.get(),
                   .since = since.get(),
                   .text = rows_.get(),
                   .temp_folder = options_.temp_folder,
                   .retry = {},
                   .stop = stop,
                   .begun =
                       [&transfer](const Uuid& snapshot_id) {
                         const std::lock_guard lock(transfer.mutex);
                         transfer.status.snapshot_id = snapshot_id.ToString();
                       }},
                  options.request, transfer.progress);
    const bool plan = options.mode.run == TransferMode::Run::kPlan;
    VARVE_ASSIGN(const ExportReport report, plan ? job.Plan() : job.Run());
    Note(transfer, report, plan, plan ? report.chunks - report.skipped_chunks : report.chunks);
    return {};
  }

  Status Import(Transfer& transfer, const ImportOptions& options, const std::stop_token& stop) {
    VARVE_ASSIGN(const auto place,
                 Open(transfer.status.location, options.credentials, PlaceUse::kRead));
    ImportJob job({.database = options_.database,
                   .snapshot = place.get(),
                   .rows = rows_.get(),
                   .temp_folder = options_.temp_folder,
                   .retry = {},
                   .stop = stop},
                  options.request, transfer.progress);
    const bool plan = options.mode.run == TransferMode::Run::kPlan;
    VARVE_ASSIGN(const ImportReport report, plan ? job.Plan() : job.Run());
    Note(transfer, report, plan, report.chunks);
    return {};
  }

  template <class Report>
  static void Note(Transfer& transfer, const Report& report, bool planned, uint64_t chunks) {
    const std::lock_guard lock(transfer.mutex);
    TransferStatus& status = transfer.status;
    status.snapshot_id = report.snapshot_id.ToString();
    status.warnings = report.warnings;
    status.rows = report.rows;
    status.bytes = report.bytes;
    status.chunks = chunks;
    status.state = planned ? TransferState::kPlanned : TransferState::kDone;
  }

  TransferStatus StatusOf(Transfer& transfer) const {
    const TransferProgress::Numbers numbers = transfer.progress.numbers();
    const std::lock_guard lock(transfer.mutex);
    TransferStatus status = transfer.status;
    status.retries = numbers.retries;
    status.bytes_done = numbers.bytes_done;
    if (status.state == TransferState::kPlanned) {
      return status;
    }
    status.chunks = numbers.chunks;
    status.chunks_done = numbers.chunks_done;
    if (status.state != TransferState::kDone) {
      status.rows = numbers.rows_done;
      status.bytes = numbers.bytes;
    }
    const int64_t us = status.ended_at ? status.ended_at->value() - status.started_at.value()
                                       : std::chrono::duration_cast<std::chrono::microseconds>(
                                             options_.database->clock().Steady() - transfer.began)
                                             .count();
    constexpr double kUsPerSecond = 1e6;
    status.bytes_per_second = static_cast<uint64_t>(static_cast<double>(numbers.bytes_done) *
                                                    kUsPerSecond / static_cast<double>(us + 1));
    if (status.state == TransferState::kRunning && status.bytes_per_second > 0) {
      status.seconds_left = numbers.bytes > numbers.bytes_done
                                ? (numbers.bytes - numbers.bytes_done) / status.bytes_per_second
                                : 0;
    }
    return status;
  }

  const TransferServiceOptions options_;
  const std::unique_ptr<RowFiles> rows_;
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<Transfer>> transfers_;  // oldest first
};

}  // namespace

std::unique_ptr<TransferService> TransferService::Make(TransferServiceOptions options) {
  return std::make_unique<TransferServiceImpl>(std::move(options));
}

}  // namespace varve
