#include "main/line_editor.h"

#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace varve {
namespace {

constexpr int kHistoryEntriesMax = 1000;
constexpr size_t kCandidatesShownMax = 100;  // more do not help anybody
constexpr std::string_view kWordBreaks = " \t\n,;()=<>+-*/'\"`";

class LibeditLineEditor final : public LineEditor {
 public:
  LibeditLineEditor(std::string history_file, Completer completer)
      : history_file_(std::move(history_file)), completer_(std::move(completer)) {}

  ~LibeditLineEditor() override {
    HistEvent event;
    if (history_ != nullptr) {
      if (!history_file_.empty()) {
        ::history(history_, &event, H_SAVE, history_file_.c_str());
        ::chmod(history_file_.c_str(), S_IRUSR | S_IWUSR);  // statements may hold secrets
      }
      ::history_end(history_);
    }
    if (edit_ != nullptr) {
      ::el_end(edit_);
    }
  }

  Status Start() {
    edit_ = ::el_init("varve", stdin, stdout, stderr);
    history_ = ::history_init();
    if (edit_ == nullptr || history_ == nullptr) {
      return Io("the terminal cannot be set up for editing; use -c, -f or a pipe");
    }
    HistEvent event;
    ::history(history_, &event, H_SETSIZE, kHistoryEntriesMax);
    ::history(history_, &event, H_SETUNIQUE, 1);
    if (!history_file_.empty()) {
      ::history(history_, &event, H_LOAD, history_file_.c_str());
    }
    ::el_set(edit_, EL_CLIENTDATA, this);
    ::el_set(edit_, EL_PROMPT, &LibeditLineEditor::Prompt);
    ::el_set(edit_, EL_EDITOR, "emacs");
    ::el_set(edit_, EL_HIST, &::history, history_);
    ::el_set(edit_, EL_GETCFN, &LibeditLineEditor::ReadCharacter);
    ::el_set(edit_, EL_ADDFN, "varve-complete", "completes names", &LibeditLineEditor::Complete);
    ::el_set(edit_, EL_BIND, "^I", "varve-complete", nullptr);
    ::el_set(edit_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
    ::el_source(edit_, nullptr);  // ~/.editrc: the user's own keys
    return {};
  }

  EditedLine ReadLine(const std::string& prompt, int interrupt_fd) override {
    prompt_ = prompt;
    interrupt_fd_ = interrupt_fd;
    interrupted_ = false;
    int length = 0;
    const char* const line = ::el_gets(edit_, &length);
    if (interrupted_) {
      return Interrupted{};
    }
    if (line == nullptr || length <= 0) {
      return EndOfInput{};
    }
    std::string text(line, static_cast<size_t>(length));
    if (text.ends_with('\n')) {
      text.pop_back();
    }
    return text;
  }

  void AddToHistory(const std::string& text) override {
    HistEvent event;
    ::history(history_, &event, H_ENTER, text.c_str());
  }

 private:
  static LibeditLineEditor& Of(EditLine* edit) {
    void* self = nullptr;
    ::el_get(edit, EL_CLIENTDATA, &self);
    return *static_cast<LibeditLineEditor*>(self);
  }

  static char* Prompt(EditLine* edit) { return Of(edit).prompt_.data(); }

  // Waits for a key or for Ctrl-C, which libedit by itself would not tell from the end of the
  // input.
  static int ReadCharacter(EditLine* edit, wchar_t* character) {
    LibeditLineEditor& self = Of(edit);
    pollfd waiting[2] = {{STDIN_FILENO, POLLIN, 0}, {self.interrupt_fd_, POLLIN, 0}};
    while (::poll(waiting, 2, -1) < 0 && errno == EINTR) {
    }
    if ((waiting[1].revents & POLLIN) != 0) {
      self.interrupted_ = true;
      return 0;
    }
    return self.ReadUtf8(character);
  }

  int ReadUtf8(wchar_t* character) {
    mbstate_t state{};
    while (true) {
      char byte = 0;
      if (::read(STDIN_FILENO, &byte, 1) != 1) {
        return 0;
      }
      const size_t taken = ::mbrtowc(character, &byte, 1, &state);
      if (taken == static_cast<size_t>(-1)) {
        *character = L'?';
        return 1;
      }
      if (taken != static_cast<size_t>(-2)) {
        return 1;
      }
    }
  }

  static unsigned char Complete(EditLine* edit, int) {
    const LineInfo* const line = ::el_line(edit);
    const std::string_view before(line->buffer, static_cast<size_t>(line->cursor - line->buffer));
    const std::string word(before.substr(before.find_last_of(kWordBreaks) + 1));
    const std::vector<std::string> words = Of(edit).completer_(word);
    const std::string rest = CommonRest(word, words);
    if (!rest.empty()) {
      return ::el_insertstr(edit, rest.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
    }
    if (words.size() < 2) {
      return CC_REFRESH_BEEP;
    }
    std::fputs("\n", stdout);
    for (size_t i = 0; i < std::min(words.size(), kCandidatesShownMax); ++i) {
      fmt::print("{}  ", words[i]);
    }
    std::fputs("\n", stdout);
    return CC_REDISPLAY;
  }

  const std::string history_file_;
  const Completer completer_;
  EditLine* edit_ = nullptr;
  History* history_ = nullptr;
  std::string prompt_;
  int interrupt_fd_ = -1;
  bool interrupted_ = false;
};

}  // namespace

Result<std::unique_ptr<LineEditor>> LineEditor::Open(std::string history_file,
                                                     Completer completer) {
  auto editor = std::make_unique<LibeditLineEditor>(std::move(history_file), std::move(completer));
  VARVE_TRY(editor->Start());
  return editor;
}

std::string CommonRest(std::string_view word, const std::vector<std::string>& words) {
  if (words.empty()) {
    return "";
  }
  std::string_view common = words.front();
  for (const std::string& other : words) {
    const auto ends = std::ranges::mismatch(common, other);
    common = common.substr(0, static_cast<size_t>(ends.in1 - common.begin()));
  }
  return common.size() > word.size() ? std::string(common.substr(word.size())) : "";
}

}  // namespace varve
