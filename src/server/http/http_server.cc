#include "server/http/http_server.h"

#include <pthread.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_set>

#include "base/log.h"
#include "server/http/http_connection_internal.h"

namespace varve {
namespace {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;
using asio::ip::tcp;

constexpr size_t kWorkersPerCore = 4;  // handlers wait for disks and for each other
// One thread carries more than a gigabyte a second; on small machines a second one only takes time
// from the workers.
constexpr unsigned kCoresPerIoThread = 8;
constexpr size_t kIoThreadsMax = 4;
// Connections beyond the limit that are told so; those beyond that are closed without a word.
constexpr size_t kRefusalsMax = 64;
constexpr std::chrono::milliseconds kAcceptPause{100};  // when there is no file descriptor left
constexpr int kBacklog = 1024;
// How soon a client that went away is noticed. Looking costs a system call per request that is
// being answered.
constexpr std::chrono::milliseconds kPresencePeriod{250};

size_t Cores() { return std::max(1u, std::thread::hardware_concurrency()); }

// A connection has one job and one stream to end at most; the limit on requests is checked by the
// connections.
Executor::Options WorkerOptions(const HttpServerOptions& options) {
  return {.name = "http-worker",
          .threads = options.workers == 0 ? kWorkersPerCore * Cores() : options.workers,
          .queue_jobs_max = 2 * (options.connections_max + kRefusalsMax)};
}

struct IoThread {
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  asio::steady_timer presence{io};
  std::unordered_set<std::shared_ptr<HttpConnection>> connections;  // only on the thread
  std::thread thread;
};

}  // namespace

class HttpServer::Impl {
 public:
  Impl(const Router& router, HttpServerOptions options)
      : context_(router, options, WorkerOptions(options)) {
    const size_t threads = std::clamp<size_t>(Cores() / kCoresPerIoThread, 1, kIoThreadsMax);
    for (size_t i = 0; i < threads; ++i) {
      io_threads_.push_back(std::make_unique<IoThread>());
    }
    acceptor_.emplace(io_threads_[0]->io);
    accept_timer_.emplace(io_threads_[0]->io);
  }

  Status Listen() {
    const auto& options = context_.options;
    ErrorCode error;
    const auto address = asio::ip::make_address(options.bind_address, error);
    if (error) {
      return Unavailable(
          "cannot listen on '{}': not an IP address; use one of this machine, or "
          "0.0.0.0 for all",
          options.bind_address);
    }
    const tcp::endpoint endpoint(address, options.port);
    acceptor_->open(endpoint.protocol(), error);
    if (!error) {
      acceptor_->set_option(tcp::acceptor::reuse_address(true), error);
    }
    if (!error) {
      acceptor_->bind(endpoint, error);
    }
    if (!error) {
      acceptor_->listen(kBacklog, error);
    }
    if (error) {
      return Unavailable(
          "cannot listen for HTTP on {} port {}: {}; choose another port or address, "
          "or end the program that has it",
          options.bind_address, options.port, error.message());
    }
    port_ = acceptor_->local_endpoint(error).port();
    return {};
  }

  void Run() {
    Accept();
    for (auto& io_thread : io_threads_) {
      WatchPresence(*io_thread);
      io_thread->thread = std::thread([io = &io_thread->io] { io->run(); });
      pthread_setname_np(io_thread->thread.native_handle(), "http-io");
    }
  }

  void Stop() {
    std::lock_guard stop_lock(stop_mutex_);
    if (io_threads_.empty()) {
      return;
    }
    context_.stopping = true;
    asio::post(io_threads_[0]->io, [this] {
      ErrorCode ignored;
      acceptor_->close(ignored);
      accept_timer_->cancel();
    });
    ForEachConnection([](HttpConnection& connection) { connection.CloseWhenAnswered(); });
    if (!WaitUntilNoneIsOpen()) {
      LogWarn("{} HTTP requests are not answered after {} ms: they are cancelled", open_.load(),
              context_.options.stop_grace.count());
      ForEachConnection([](HttpConnection& connection) { connection.Abort(); });
    }
    context_.workers.Stop();
    workers_stopped_ = true;
    for (auto& io_thread : io_threads_) {
      asio::post(io_thread->io, [&presence = io_thread->presence] { presence.cancel(); });
      io_thread->work.reset();
      if (io_thread->thread.joinable()) {
        io_thread->thread.join();
      }
    }
    acceptor_.reset();
    accept_timer_.reset();
    io_threads_.clear();
  }

  uint16_t port() const { return port_; }

 private:
  void ForEachConnection(void (*act)(HttpConnection&)) {
    for (auto& io_thread : io_threads_) {
      asio::post(io_thread->io, [&connections = io_thread->connections, act] {
        const auto copy = connections;  // `act` may take the connection out
        for (const auto& connection : copy) {
          act(*connection);
        }
      });
    }
  }

  void WatchPresence(IoThread& io_thread) {
    io_thread.presence.expires_after(kPresencePeriod);
    io_thread.presence.async_wait([this, &io_thread](ErrorCode cancelled) {
      if (cancelled || workers_stopped_) {
        return;
      }
      const auto copy = io_thread.connections;  // aborting takes a connection out
      for (const auto& connection : copy) {
        connection->AbortIfClientLeft();
      }
      WatchPresence(io_thread);
    });
  }

  bool WaitUntilNoneIsOpen() {
    std::unique_lock lock(open_mutex_);
    return none_open_.wait_for(lock, context_.options.stop_grace, [this] { return open_ == 0; });
  }

  void Accept() {
    IoThread& to = *io_threads_[next_io_thread_++ % io_threads_.size()];
    acceptor_->async_accept(to.io, [this, &to](ErrorCode error, tcp::socket socket) {
      if (context_.stopping) {
        return;
      }
      if (error) {
        return AcceptLater(error);
      }
      Open(to, std::move(socket));
      Accept();
    });
  }

  void AcceptLater(ErrorCode error) {
    LogWarn("no HTTP connection can be taken for {} ms: {}", kAcceptPause.count(), error.message());
    accept_timer_->expires_after(kAcceptPause);
    accept_timer_->async_wait([this](ErrorCode cancelled) {
      if (!cancelled) {
        Accept();
      }
    });
  }

  void Open(IoThread& to, tcp::socket socket) {
    const size_t before = open_.fetch_add(1);
    const bool refused = before >= context_.options.connections_max;
    if (before >= context_.options.connections_max + kRefusalsMax) {
      open_.fetch_sub(1);
      return;
    }
    auto connection = std::make_shared<HttpConnection>(
        std::move(socket), context_,
        [this, &to](const std::shared_ptr<HttpConnection>& closed) { OnClosed(to, closed); });
    asio::post(to.io, [connection = std::move(connection), &to, refused] {
      to.connections.insert(connection);
      if (refused) {
        connection->Refuse(
            ErrorResponse(503, "the server has as many connections as it may; try again later"));
      } else {
        connection->Start();
      }
    });
  }

  void OnClosed(IoThread& io_thread, const std::shared_ptr<HttpConnection>& connection) {
    io_thread.connections.erase(connection);
    std::lock_guard lock(open_mutex_);
    if (open_.fetch_sub(1) == 1) {
      none_open_.notify_all();
    }
  }

  HttpServerContext context_;
  std::vector<std::unique_ptr<IoThread>> io_threads_;
  std::optional<tcp::acceptor> acceptor_;
  std::optional<asio::steady_timer> accept_timer_;
  size_t next_io_thread_ = 0;
  uint16_t port_ = 0;
  std::mutex stop_mutex_;
  std::mutex open_mutex_;
  std::condition_variable none_open_;
  std::atomic<size_t> open_ = 0;
  std::atomic<bool> workers_stopped_ = false;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() { Stop(); }

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const Router& router,
                                                      HttpServerOptions options) {
  auto impl = std::make_unique<Impl>(router, std::move(options));
  VARVE_TRY(impl->Listen());
  impl->Run();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

uint16_t HttpServer::port() const { return impl_->port(); }

void HttpServer::Stop() { impl_->Stop(); }

}  // namespace varve
