// Proves: backslash commands stand for the right statements, and completion adds what is certain.
#include "main/shell.h"

#include <gmock/gmock.h>

#include "base/matchers.h"
#include "main/line_editor.h"

namespace varve {
namespace {

TEST(Shell, BackslashCommands) {
  EXPECT_EQ(StatementOfCommand("\\d"), "SHOW TABLES");
  EXPECT_EQ(StatementOfCommand("\\dt"), "SHOW TABLES");
  EXPECT_EQ(StatementOfCommand("\\d weather"), "DESCRIBE weather");
  EXPECT_EQ(StatementOfCommand("\\d   sys.cpu"), "DESCRIBE `sys.cpu`");
  EXPECT_EQ(StatementOfCommand("\\d `a b`"), "DESCRIBE `a b`");
  EXPECT_THAT(StatementOfCommand("\\x"),
              IsError(ErrorKind::kInvalidArgument, testing::HasSubstr("\\?")));
}

TEST(Shell, CompletionAddsWhatAllCandidatesShare) {
  EXPECT_EQ(CommonRest("we", {"weather"}), "ather");
  EXPECT_EQ(CommonRest("we", {"weather", "weather_2"}), "ather");
  EXPECT_EQ(CommonRest("we", {"weather", "west"}), "");
  EXPECT_EQ(CommonRest("we", {}), "");
  EXPECT_EQ(CommonRest("", {"a", "b"}), "");
}

}  // namespace
}  // namespace varve
