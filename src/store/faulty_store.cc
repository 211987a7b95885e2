#include "store/faulty_store.h"

#include <string>
#include <utility>

namespace varve {
namespace {

using State = FaultyObjectStore::State;

Status Injected(std::string_view what, std::string_view path) {
  return Io("injected: {} of '{}' failed, nothing was done", what, path);
}

// Runs `effect` or not, as the plan says. Its own errors come first: they are what the inner store
// really did.
template <class Effect>
Status Write(State& state, std::string_view what, std::string_view path, Effect effect) {
  const FaultVerdict verdict = state.faults.Next();
  if (verdict == FaultVerdict::kFail) {
    return Injected(what, path);
  }
  VARVE_TRY(effect());
  if (verdict == FaultVerdict::kFailAfterEffect) {
    return UnknownOutcome("injected: {} of '{}' was done, but its answer is lost", what, path);
  }
  return {};
}

Status Read(State& state, std::string_view what, std::string_view path) {
  return state.faults.Next() == FaultVerdict::kPass ? Status() : Injected(what, path);
}

class FaultyReader final : public ObjectReader {
 public:
  FaultyReader(std::string path, std::shared_ptr<State> state,
               std::shared_ptr<const ObjectReader> inner)
      : path_(std::move(path)),
        state_(std::move(state)),
        inner_(std::move(inner)),
        restarts_(state_->restarts) {}

  uint64_t size_bytes() const override { return inner_->size_bytes(); }

  Status ReadAt(uint64_t offset, size_t size, char* out) const override {
    VARVE_TRY(Read(*state_, "ReadAt", path_));
    if (state_->restarts != restarts_) {
      return Io("the reader of '{}' is from before the restart", path_);
    }
    return inner_->ReadAt(offset, size, out);
  }

 private:
  const std::string path_;
  const std::shared_ptr<State> state_;
  const std::shared_ptr<const ObjectReader> inner_;
  const uint64_t restarts_;
};

class FaultyWriter final : public ObjectWriter {
 public:
  FaultyWriter(std::string path, std::shared_ptr<State> state, std::unique_ptr<ObjectWriter> inner)
      : path_(std::move(path)),
        state_(std::move(state)),
        inner_(std::move(inner)),
        restarts_(state_->restarts) {}

  Status Append(std::string_view bytes) override {
    VARVE_TRY(CheckAlive());
    if (state_->faults.Next() != FaultVerdict::kPass) {
      return Injected("Append", path_);
    }
    return inner_->Append(bytes);
  }

  Status Finish() override {
    VARVE_TRY(CheckAlive());
    return Write(*state_, "Finish", path_, [this] { return inner_->Finish(); });
  }

 private:
  Status CheckAlive() const {
    if (state_->restarts != restarts_) {
      return Io("the writer of '{}' is from before the restart", path_);
    }
    return {};
  }

  const std::string path_;
  const std::shared_ptr<State> state_;
  const std::unique_ptr<ObjectWriter> inner_;
  const uint64_t restarts_;
};

}  // namespace

FaultyObjectStore::FaultyObjectStore(std::shared_ptr<ObjectStore> inner)
    : inner_(std::move(inner)), state_(std::make_shared<State>()) {}

FaultyObjectStore::~FaultyObjectStore() = default;

FaultPlan& FaultyObjectStore::faults() { return state_->faults; }

uint64_t FaultyObjectStore::operations() const { return state_->faults.operations(); }

void FaultyObjectStore::Restart() {
  ++state_->restarts;
  state_->faults.Restart();
}

Status FaultyObjectStore::Put(std::string_view path, std::string_view bytes) {
  return Write(*state_, "Put", path, [&] { return inner_->Put(path, bytes); });
}

Status FaultyObjectStore::PutIfAbsent(std::string_view path, std::string_view bytes) {
  return Write(*state_, "PutIfAbsent", path, [&] { return inner_->PutIfAbsent(path, bytes); });
}

Result<std::unique_ptr<ObjectWriter>> FaultyObjectStore::NewWriter(std::string_view path) {
  VARVE_TRY(Read(*state_, "NewWriter", path));
  VARVE_ASSIGN(auto writer, inner_->NewWriter(path));
  return std::make_unique<FaultyWriter>(std::string(path), state_, std::move(writer));
}

Result<std::string> FaultyObjectStore::Get(std::string_view path) {
  VARVE_TRY(Read(*state_, "Get", path));
  return inner_->Get(path);
}

Result<std::shared_ptr<const ObjectReader>> FaultyObjectStore::Open(std::string_view path) {
  VARVE_TRY(Read(*state_, "Open", path));
  VARVE_ASSIGN(auto reader, inner_->Open(path));
  return std::make_shared<const FaultyReader>(std::string(path), state_, std::move(reader));
}

Result<std::vector<ObjectInfo>> FaultyObjectStore::List(std::string_view prefix) {
  VARVE_TRY(Read(*state_, "List", prefix));
  return inner_->List(prefix);
}

Status FaultyObjectStore::Delete(std::string_view path) {
  return Write(*state_, "Delete", path, [&] { return inner_->Delete(path); });
}

Status FaultyObjectStore::Copy(std::string_view from, std::string_view to) {
  return Write(*state_, "Copy", to, [&] { return inner_->Copy(from, to); });
}

}  // namespace varve
