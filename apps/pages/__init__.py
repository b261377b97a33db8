"""What `zoo web` is made of: a tab for each application that declares one, its answers drawn, the page around."""
