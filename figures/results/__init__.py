"""Pictures of studies from stored rows: a study is redrawn without training again."""
