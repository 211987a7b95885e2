// EXPLAIN ANALYZE says how much of a table each scan has read, and how much it has left out.
#include <gmock/gmock.h>

#include "base/matchers.h"
#include "query/test_database.h"

namespace varve {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ExplainTest : public testing::Test {
 protected:
  void SetUp() override {
    Run("CREATE TABLE c (t timestamp NOT NULL, host string TAG, v int, TIMESTAMP KEY(t)) WITH "
        "(enable_ttl=false, segment_duration='1d', num_rows_per_row_group=100)");
    // Two segments; in the first 500 rows of each of two hosts, so ten row groups.
    Run("INSERT INTO c (t, host, v) SELECT i * 1000, 'a', i FROM range(500) r(i)");
    Run("INSERT INTO c (t, host, v) SELECT i * 1000, 'b', i FROM range(500) r(i)");
    Run("INSERT INTO c (t, host, v) VALUES (86400000, 'a', 1)");
    ASSERT_TRUE(database_.database().FlushAll());
  }
  void Run(std::string_view sql) { ASSERT_THAT(database_.Rows(sql), IsOk()) << sql; }
  std::string Plan(const std::string& query) {
    const auto rows = database_.Rows("EXPLAIN ANALYZE " + query);
    EXPECT_THAT(rows, IsOk());
    return rows && rows->size() == 1 ? rows->front() : "";
  }

  TestDatabase database_;
};

TEST_F(ExplainTest, FilesAreLeftOutByTime) {
  EXPECT_THAT(Plan("SELECT v FROM c WHERE t >= 86400000"),
              AllOf(HasSubstr("Plan with Metrics"), HasSubstr("Files: 1 of 2"),
                    HasSubstr("Files read: 1"), HasSubstr("Files pruned: 1"),
                    HasSubstr("Row groups read: 1"), HasSubstr("Row groups pruned: 0")));
}

TEST_F(ExplainTest, RowGroupsAreLeftOutByTag) {
  EXPECT_THAT(
      Plan("SELECT v FROM c WHERE host = 'b'"),
      AllOf(HasSubstr("Files: 2 of 2"), HasSubstr("Files read: 1"), HasSubstr("Files pruned: 1"),
            HasSubstr("Row groups read: 5"), HasSubstr("Row groups pruned: 5")));
}

}  // namespace
}  // namespace varve
