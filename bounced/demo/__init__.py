"""What `bounced demo` plays: a folder to run in, and scenes with bounces as real MTAs write them."""
