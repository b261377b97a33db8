"""Tables in files and data frames, read row by row: the columns, and what is wrong with which row."""
