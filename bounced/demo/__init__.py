"""What `bounced demo` plays: a setting, and scenes with bounces as real MTAs write them."""
