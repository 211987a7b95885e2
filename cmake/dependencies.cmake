# Every library Varve stands on, as one imported target each.

find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(GTest REQUIRED)
find_package(RocksDB REQUIRED)
find_package(roaring REQUIRED)
find_package(prometheus-cpp REQUIRED COMPONENTS core)
find_package(CLI11 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBEDIT REQUIRED IMPORTED_TARGET libedit)
pkg_check_modules(LIBCURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(SIMDJSON REQUIRED IMPORTED_TARGET simdjson)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)

function(varve_prebuilt name root library)
  if(NOT EXISTS "${root}/include" OR NOT EXISTS "${root}/lib/lib${library}.so")
    message(FATAL_ERROR "${name}: no include/ and lib/lib${library}.so under ${root}; run scripts/setup.sh")
  endif()
  add_library(varve::${name} SHARED IMPORTED GLOBAL)
  set_target_properties(varve::${name} PROPERTIES
    IMPORTED_LOCATION "${root}/lib/lib${library}.so"
    INTERFACE_INCLUDE_DIRECTORIES "${root}/include"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${root}/include")
endfunction()

varve_prebuilt(duckdb "${VARVE_DUCKDB_ROOT}" duckdb)
varve_prebuilt(arrow "${VARVE_ARROW_ROOT}" arrow)
varve_prebuilt(parquet "${VARVE_ARROW_ROOT}" parquet)
# libparquet exports its own copy of OpenSSL: whoever links it binds to Debian's first (see the `openssl_binding` test).
target_link_libraries(varve::parquet INTERFACE varve::arrow)

# What every folder may use without saying so.
add_library(varve_foundation INTERFACE)
target_include_directories(varve_foundation INTERFACE "${CMAKE_SOURCE_DIR}/src")
target_link_libraries(varve_foundation INTERFACE fmt::fmt Threads::Threads)
