/* Puts a process's clock some days ahead: preloaded (LD_PRELOAD), with the days in BOUNCED_TEST_DAYS_AHEAD.
 *
 * Every process that a test starts inherits it, a Redis and an MTA too.  The clocks that only count, for time-outs, and
 * the kernel's times of files stay.  libfaketime would do the same, but its clock_nanosleep() refuses what Python's
 * time.sleep() asks for when the time is just over (EINVAL), at random.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t ahead_s;
static int (*real)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
  const char *days = getenv("BOUNCED_TEST_DAYS_AHEAD");
  ahead_s = days ? atol(days) * 24 * 60 * 60 : 0;
  real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int failed = real ? real(clock, now) : (int)syscall(SYS_clock_gettime, clock, now);
  if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI)) now->tv_sec += ahead_s;
  return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec exact;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *now) {
  struct timespec exact;
  if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
  if (now) *now = exact.tv_sec;
  return exact.tv_sec;
}
