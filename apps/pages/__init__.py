"""The parts of `zoo web`: a tab for each application that declares one, its answers drawn, the page around."""
