"""scratchnet beside torch: `python -m benchmarks` measures, `--render` writes the page from what was measured."""

import benchmarks.suites  # registers them: a page or a record made without them would be empty
