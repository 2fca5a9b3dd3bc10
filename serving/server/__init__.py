"""What both servers share: middleware, interceptor, admission, readiness, errors, and KServe's servers around them."""
