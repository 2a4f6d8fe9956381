"""What `bounced demo` shows: scenes with bounces as real MTAs write them, and the folder it runs in."""
