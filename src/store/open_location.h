// From a location to the store that lies there.
#pragma once

#include <memory>

#include "base/clock.h"
#include "store/credentials.h"
#include "store/location.h"
#include "store/object_store.h"
#include "store/rest_client.h"

namespace varve {

// How patient a store is, and how much memory a writer takes. The defaults are for production.
struct StoreLimits {
  HttpOptions http;  // ca_file comes from the credentials
  RetryPolicy retry;
  size_t part_bytes = 0;        // 0 = what the service's limits ask for
  uint64_t copy_bytes_max = 0;  // s3: 0 = Amazon's limit
};

// Opens the place and, unless it is a file location, lists it once, so that a wrong bucket or
// credential shows here and not in the middle of the work. `Describe()` of the store is the
// location. The clock outlives the store.
//
// What the places can do beyond ObjectStore's promises is the same everywhere (remote_store.h);
// whether PutIfAbsent works depends on the service: see there.
//
// Keys for s3 and oss that come from files are read again when the service says that they are not
// good any more, so that temporary ones can be replaced while the store is open.
//
// Errors: kInvalidArgument for credentials or an endpoint that cannot be right; kIo when the place
// cannot be reached or does not let us in.
Result<std::unique_ptr<ObjectStore>> OpenLocation(const Location& location,
                                                  const StoreCredentials& credentials,
                                                  const Clock* clock,
                                                  const StoreLimits& limits = {});

}  // namespace varve
