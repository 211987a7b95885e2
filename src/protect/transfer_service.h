// TransferService: the exports and imports of one database, each on a thread of its own.
#pragma once

#include <memory>
#include <string>

#include "engine/database.h"
#include "query/session.h"
#include "query/transfers.h"

namespace varve {

// Of those that have ended, how many stay to be looked at.
inline constexpr size_t kEndedTransfersMax = 100;

struct TransferServiceOptions {
  Database* database = nullptr;                     // outlives the service
  CopyPolicy policy;                                // of folders of this machine
  std::string temp_folder;                          // made if it is missing
  uint64_t memory_bytes_max = uint64_t{512} << 20;  // of reading and writing CSV and JSON
};

class TransferService : public Transfers {
 public:
  static std::unique_ptr<TransferService> Make(TransferServiceOptions options);
  // Stops what runs and waits; it may be begun again later.
  ~TransferService() override = default;
};

}  // namespace varve
