// FaultyObjectStore: an ObjectStore that fails where a test says. For tests only.
//
//   FaultyObjectStore store(std::make_shared<MemoryObjectStore>(&clock));
//   store.faults().FailAt(3, FaultKind::kCrash);
//   …                                             // the 3rd operation from here on fails, and all
//   after it store.Restart();                              // what was durable is there, writers
//   without Finish are lost
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/fault_plan.h"
#include "store/object_store.h"

namespace varve {

// Thread-safe. Each Put, PutIfAbsent, NewWriter, Append, Finish, Get, Open, ReadAt, List, Delete
// and Copy is one operation. An operation that fails with nothing done is kIo; one that fails after
// its effect is kUnknownOutcome if it writes (an Append: kIo, since nothing shows before Finish)
// and kIo if it reads.
class FaultyObjectStore final : public ObjectStore {
 public:
  explicit FaultyObjectStore(std::shared_ptr<ObjectStore> inner);
  ~FaultyObjectStore() override;

  FaultPlan& faults();
  uint64_t operations() const;

  // Ends a crash: what was durable before it is there again. Writers and readers from before the
  // restart fail from now on, as those of a dead process would.
  void Restart();

  Status Put(std::string_view path, std::string_view bytes) override;
  Status PutIfAbsent(std::string_view path, std::string_view bytes) override;
  Result<std::unique_ptr<ObjectWriter>> NewWriter(std::string_view path) override;
  Result<std::string> Get(std::string_view path) override;
  Result<std::shared_ptr<const ObjectReader>> Open(std::string_view path) override;
  Result<std::vector<ObjectInfo>> List(std::string_view prefix) override;
  Status Delete(std::string_view path) override;
  Status Copy(std::string_view from, std::string_view to) override;
  std::string Describe() const override { return "faulty " + inner_->Describe(); }

  // What writers and readers share with the store, which they may outlive.
  struct State {
    FaultPlan faults;
    std::atomic<uint64_t> restarts = 0;
  };

 private:
  const std::shared_ptr<ObjectStore> inner_;
  const std::shared_ptr<State> state_;
};

}  // namespace varve
