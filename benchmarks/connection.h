// The connections of load.c: opened, encrypted where it was built with OpenSSL, read, written, closed.  What each is at
// in the dialogue, load.c says.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifdef WITH_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
#endif

#define SOURCES 7  // addresses of loopback that connections come from, so that ports do not run out
#define KEPT 1024  // tickets

enum state { CLOSED, BANNER, HELLO_SENT, TLS_ASKED, HANDSHAKE, MAIL, RCPT, DATA, GROUP, BODY, QUIT };
enum { AGAIN = -1, ENDED = 0 };  // what reading and writing return beside a number of octets

typedef struct {
  long number;  // of the message that it is for
  int fd, left, awaited, pipelining, writing, encrypted;
  enum state state;
  char in[4096], command[1024];
  size_t in_length;
  const char *out, *body, *path;
  size_t out_length, body_length;
  double dot_at;
#ifdef WITH_TLS
  SSL *tls;
#endif
} Peer;

static int port, per_connection = 1, reuse, verbose, poller;
static long started, opened, active, handshakes, resumed;
static char tls_version[16], tls_cipher[64];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static void *must(void *memory) {
  if (!memory) { perror("memory"); exit(1); }
  return memory;
}

// TLS

#ifdef WITH_TLS
static SSL_CTX *context;
static SSL_SESSION *kept[KEPT];  // the latest last
static int kept_count;

static int keep_session(SSL *tls, SSL_SESSION *session) {
  (void)tls;
  if (kept_count == KEPT) return 0;
  kept[kept_count++] = session;
  return 1;  // it is ours now
}

static void prepare_tls(void) {
  context = must(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);  // as MTAs that encrypt opportunistically do
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (!reuse) return;
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
}

static void begin_handshake(Peer *c) {
  c->tls = must(SSL_new(context));
  SSL_set_fd(c->tls, c->fd);
  if (kept_count) {
    SSL_SESSION *session = kept[--kept_count];  // a ticket is used once  (RFC 8446 appendix C.4)
    SSL_set_session(c->tls, session);
    SSL_SESSION_free(session);
  }
  SSL_set_connect_state(c->tls);
  c->state = HANDSHAKE;
}

static ssize_t of_tls(Peer *c, int result) {
  int error = SSL_get_error(c->tls, result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return AGAIN;
  if (verbose && error != SSL_ERROR_ZERO_RETURN) ERR_print_errors_fp(stderr);
  ERR_clear_error();
  return ENDED;
}

// Return 1 when it is over, AGAIN, or ENDED.
static ssize_t go_on_with_handshake(Peer *c) {
  int result = SSL_do_handshake(c->tls);
  if (result != 1) return of_tls(c, result);
  c->encrypted = 1;
  handshakes++;
  resumed += SSL_session_reused(c->tls);
  snprintf(tls_version, sizeof tls_version, "%s", SSL_get_version(c->tls));
  snprintf(tls_cipher, sizeof tls_cipher, "%s", SSL_get_cipher_name(c->tls));
  return 1;
}
#endif

// The connection

static ssize_t take(Peer *c, char *into, size_t room) {
#ifdef WITH_TLS
  if (c->encrypted) {
    int n = SSL_read(c->tls, into, room);
    return n > 0 ? n : of_tls(c, n);
  }
#endif
  ssize_t n = recv(c->fd, into, room, 0);
  return n >= 0 ? n : errno == EAGAIN ? AGAIN : ENDED;
}

static ssize_t give(Peer *c, const char *from, size_t length) {
#ifdef WITH_TLS
  if (c->encrypted) {
    int n = SSL_write(c->tls, from, length);
    return n > 0 ? n : of_tls(c, n);
  }
#endif
  ssize_t n = send(c->fd, from, length, MSG_NOSIGNAL);
  return n >= 0 ? n : errno == EAGAIN ? AGAIN : ENDED;
}

static void wake_when_writable(Peer *c, int wanted) {
  if (c->writing == wanted) return;
  c->writing = wanted;
  struct epoll_event event = {.events = EPOLLIN | (wanted ? EPOLLOUT : 0), .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

// Write what is to be written, as far as it goes.  An end is seen by who reads next.
static void flush(Peer *c) {
  while (c->out_length) {
    ssize_t n = give(c, c->out, c->out_length);
    if (n <= 0) break;
    c->out += n;
    c->out_length -= n;
  }
  if (c->state == BODY && !c->out_length && !c->dot_at) c->dot_at = now();
  wake_when_writable(c, c->out_length > 0);
}

static void say(Peer *c, const char *text, size_t length) {
  c->out = text;
  c->out_length = length;
  flush(c);
}

static void open_peer(Peer *c) {
  memset(c, 0, offsetof(Peer, in));
  c->in_length = c->out_length = 0;
  c->left = per_connection;
  c->number = started++;
  c->state = BANNER;
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int one = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  struct sockaddr_in here = {.sin_family = AF_INET}, there = {.sin_family = AF_INET, .sin_port = htons(port)};
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK + opened++ % SOURCES);
  there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (c->fd < 0 || bind(c->fd, (void *)&here, sizeof here) ||
      (connect(c->fd, (void *)&there, sizeof there) && errno != EINPROGRESS)) {
    perror("connect");
    exit(1);
  }
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
  active++;
}

static void close_peer(Peer *c) {
#ifdef WITH_TLS
  if (c->tls) {
    SSL_set_quiet_shutdown(c->tls, 1);
    SSL_shutdown(c->tls);
    SSL_free(c->tls);
    c->tls = NULL;
  }
#endif
  close(c->fd);
  c->state = CLOSED;
  active--;
}
