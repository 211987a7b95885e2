#include "main/server_command.h"

#include <fmt/core.h>
#include <pthread.h>
#include <signal.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "base/machine.h"
#include "main/data_folder.h"
#include "main/memory_plan.h"
#include "server/http/change_routes.h"
#include "server/http/http_server.h"
#include "server/http/operation_routes.h"
#include "server/http/sql_routes.h"
#include "server/influx/influx_routes.h"

namespace varve {
namespace {

// Beyond the grace: cancelled statements end at once, what cannot be cancelled (a merge of files, a
// flush) has this long. With the usual grace it is less than the patience of service managers
// (90 s).
constexpr std::chrono::seconds kStopMax{20};

sigset_t EndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// Waits for one of the signals; from then on they do what they do by default: end the process at
// once.
int WaitForEnd() {
  const sigset_t signals = EndSignals();
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) {
  }
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  return signal;
}

DataFolderOptions FolderOptions(const ServerConfig& config) {
  DataFolderOptions options;
  options.folder = config.data_folder;
  options.wal_folder = config.wal_folder;
  options.wal_sync = config.wal_sync;
  options.memory = PlanMemory(config, MachineMemoryBytes());
  options.database.flush_threads = config.flush_threads;
  options.database.compaction_threads = config.compaction_tasks_max;
  options.database.compaction_bytes_per_second = config.compaction_bytes_per_second;
  options.database.housekeeping_interval = config.housekeeping_interval;
  options.database.auto_create_tables = config.auto_create_tables;
  options.database.auto_table_options = config.auto_table_options;
  options.database.auto_timestamp_column = config.auto_timestamp_column;
  options.engine.temp_bytes_max = config.query_temp_bytes_max;
  options.engine.threads = config.query_threads;
  options.engine.copy.allowed_folders = config.copy_allowed_folders;
  options.engine.settings = config.session;
  options.blocked = config.blocked;
  options.persist_blocked = config.persist_blocked;
  options.log.slow_threshold = config.slow_query_threshold;
  options.log.slow_path = config.slow_query_path;
  options.log.failed_path = config.failed_query_path;
  return options;
}

// Ends the process when what it guards takes longer than the grace and kStopMax. Nothing is lost by
// that: what was acknowledged is in the log, as after a crash.
class StopGuard {
 public:
  explicit StopGuard(std::chrono::milliseconds grace)
      : patience_(grace + kStopMax), thread_([this] { Watch(); }) {}
  ~StopGuard() {
    {
      const std::scoped_lock lock(mutex_);
      done_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  StopGuard(const StopGuard&) = delete;
  StopGuard& operator=(const StopGuard&) = delete;

 private:
  void Watch() {
    std::unique_lock lock(mutex_);
    if (!wake_.wait_for(lock, patience_, [this] { return done_; })) {
      LogError("statements that still run after {} s are cut off; nothing acknowledged is lost",
               std::chrono::duration_cast<std::chrono::seconds>(patience_).count());
      std::_Exit(1);
    }
  }

  const std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool done_ = false;
  std::thread thread_;
};

std::string Url(const std::string& address, uint16_t port) {
  const bool v6 = address.find(':') != std::string::npos;
  return v6 ? fmt::format("http://[{}]:{}", address, port)
            : fmt::format("http://{}:{}", address, port);
}

void Say(std::string_view line) {
  fmt::print("varve: {}\n", line);
  std::fflush(stdout);
}

Status MakeSchemas(Database& database, const std::vector<std::string>& schemas) {
  for (const std::string& schema : schemas) {
    if (!database.HasSchema(schema)) {
      VARVE_TRY(database.CreateSchema(schema));
    }
  }
  return {};
}

void AddRoutes(Router& router, DataFolder& folder, const ServerConfig& config) {
  AddSqlRoutes(router, folder.engine());
  AddAdminRoutes(router, {folder.database(), folder.limiter(), folder.log()});
  AddInfluxRoutes(router, folder.database(), folder.limiter(), folder.clock());
  AddBlockRoutes(router, folder.limiter());
  AddSlowThresholdRoute(router, folder.log());
  AddRouteRoutes(router, {config.node_address.empty() ? config.bind_address : config.node_address,
                          config.grpc_port});
  AddProfileRoutes(router);
  AddChangeRoutes(router, folder.database(), folder.limiter());
}

void AddConfigRoute(Router& router, const ServerConfig& config) {
  router.Add("GET", "/debug/config", [text = ToToml(config)](const HttpRequest&) {
    HttpResponse response;
    response.content_type = "text/plain; charset=utf-8";
    response.body = text;
    return response;
  });
}

}  // namespace

Status RunServer(const ServerConfig& config) {
  const sigset_t signals = EndSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  SetLogLevel(config.log_level);
  if (!config.http_port) {
    return InvalidArgument("nothing is served: server.http_port is off and there is no other port");
  }
  DataFolderOptions options = FolderOptions(config);
  const MemoryPlan memory = options.memory;
  LogInfo("{}", DescribeMemory(memory));
  for (const std::string& warning : config.warnings) {
    LogWarn("{}", warning);
  }
  VARVE_ASSIGN(const std::unique_ptr<DataFolder> folder, DataFolder::Open(std::move(options)));
  VARVE_TRY(MakeSchemas(folder->database(), config.schemas));
  Router router;
  AddRoutes(router, *folder, config);
  AddConfigRoute(router, WithMemory(config, memory));
  VARVE_ASSIGN(const std::unique_ptr<HttpServer> http,
               HttpServer::Start(router, {.bind_address = config.bind_address,
                                          .port = *config.http_port,
                                          .body_bytes_max = config.http_body_bytes_max,
                                          .stop_grace = config.stop_grace}));
  Say(fmt::format("HTTP on {}", Url(config.bind_address, http->port())));
  Say(fmt::format("data in {}", config.data_folder));
  Say("ready");
  LogInfo("{}: stopping", WaitForEnd() == SIGTERM ? "SIGTERM" : "SIGINT");
  const StopGuard guard(config.stop_grace);
  http->Stop();
  VARVE_TRY(folder->Close());
  Say("stopped");
  return {};
}

}  // namespace varve
