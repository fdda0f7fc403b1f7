// A guest that tries to get out of its directories: each exported function is one way, and returns 1 if it led out.
//
// Descriptor 3 is a directory to change, 4 one that is read-only. Beside the first lies "outside", with the file
// "secret" and the link "link"; the first holds links there, made by the host (test_escape_programs.py).

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name))) int name
WASI(path_open)(u32 fd, u32 lookup, const char *path, u32 length, u32 oflags, u64 rights, u64 inheriting, u32 flags, u32 *out);
WASI(path_create_directory)(u32 fd, const char *path, u32 length);
WASI(path_remove_directory)(u32 fd, const char *path, u32 length);
WASI(path_unlink_file)(u32 fd, const char *path, u32 length);
WASI(path_rename)(u32 fd, const char *path, u32 length, u32 to_fd, const char *to, u32 to_length);
WASI(path_link)(u32 fd, u32 lookup, const char *path, u32 length, u32 to_fd, const char *to, u32 to_length);
WASI(path_symlink)(const char *target, u32 target_length, u32 fd, const char *path, u32 length);
WASI(path_readlink)(u32 fd, const char *path, u32 length, char *buffer, u32 room, u32 *out);
WASI(path_filestat_get)(u32 fd, u32 lookup, const char *path, u32 length, void *out);
WASI(path_filestat_set_times)(u32 fd, u32 lookup, const char *path, u32 length, u64 atime, u64 mtime, u32 flags);
WASI(fd_read)(u32 fd, const void *iovs, u32 count, u32 *out);
WASI(fd_write)(u32 fd, const void *iovs, u32 count, u32 *out);
WASI(fd_close)(u32 fd);
WASI(fd_renumber)(u32 fd, u32 to);
WASI(fd_readdir)(u32 fd, void *buffer, u32 length, u64 cookie, u32 *out);
WASI(fd_allocate)(u32 fd, u64 offset, u64 length);
WASI(fd_filestat_set_size)(u32 fd, u64 size);
WASI(fd_filestat_set_times)(u32 fd, u64 atime, u64 mtime, u32 flags);
WASI(fd_fdstat_set_rights)(u32 fd, u64 rights, u64 inheriting);
WASI(fd_fdstat_get)(u32 fd, void *out);
WASI(fd_prestat_get)(u32 fd, void *out);

enum { CREAT = 1, DIRECTORY = 2, EXCL = 4, TRUNC = 8, FOLLOW = 1, ROOT = 3, READ_ONLY = 4 };
#define READ 0x2ull
#define WRITE 0x40ull
#define EVERYTHING 0x3fffffffull
#define OF_DIRECTORIES 0x07bffe00ull

#define ATTEMPT(name) __attribute__((export_name(#name))) int name(void)
#define PATH(text) text, sizeof(text) - 1

static u32 length_of(const char *text) {
    u32 n = 0;
    while (text[n]) n++;
    return n;
}

static int open_at(u32 fd, const char *path, u32 length, u32 oflags, u64 rights) {
    u32 new;
    int error = path_open(fd, FOLLOW, path, length, oflags, rights, rights, 0, &new);
    return error ? -error : (int)new;
}

static int write_one(u32 fd) {
    struct { const char *at; u32 length; } iov = {"pwned", 5};
    u32 done = 0;
    return fd_write(fd, &iov, 1, &done) == 0 && done > 0;
}

// Whether what a descriptor reads is the secret.
static int tells(u32 fd) {
    char buffer[16];
    struct { char *at; u32 length; } iov = {buffer, sizeof buffer};
    u32 done = 0;
    return fd_read(fd, &iov, 1, &done) == 0 && done > 0 && buffer[0] == 's';
}

// Opens for reading, writing, creating, as a directory: none may succeed.
static int opens(u32 fd, const char *path, u32 length) {
    static const u32 flags[] = {0, CREAT, CREAT | EXCL, TRUNC, DIRECTORY};
    static const u64 rights[] = {READ, WRITE, READ | WRITE, EVERYTHING};
    for (u32 i = 0; i < 5; i++)
        for (u32 j = 0; j < 4; j++)
            if (open_at(fd, path, length, flags[i], rights[j]) >= 0) return 1;
    return 0;
}

#define OPENS(name, path) ATTEMPT(name) { return opens(ROOT, PATH(path)); }

// Paths that are no paths of this directory.
OPENS(parent, "..")
OPENS(parent_file, "../outside/secret")
OPENS(parent_of_a_directory, "dir/../../outside/secret")
OPENS(parent_from_deep, "dir/deep/../../../outside/secret")
OPENS(parent_after_a_dot, "./../outside/secret")
OPENS(parent_after_slashes, "dir//..//.//..//outside//secret")
OPENS(parent_with_a_slash, "../")
OPENS(parent_at_the_end, "dir/../..")
OPENS(parent_and_back, "../root/../outside/secret")
OPENS(parent_of_a_file, "file/../../outside/secret")
OPENS(parent_of_nothing, "none/../../outside/secret")
OPENS(absolute, "/etc/passwd")
OPENS(absolute_with_two_slashes, "//etc/passwd")
OPENS(absolute_root, "/")
OPENS(proc_root, "/proc/self/root/etc/passwd")
OPENS(proc_directory, "/proc/self/cwd")
OPENS(proc_descriptor, "/proc/self/fd/0")
OPENS(dev_descriptor, "/dev/fd/3/../outside/secret")
OPENS(nul_before_the_parent, "dir\0/../../outside/secret")
OPENS(nul_after_the_parent, "..\0")
OPENS(nul_alone, "\0")
OPENS(empty, "")
OPENS(no_utf8, "\xff/../../outside/secret")
OPENS(overlong_slash, "..\xc0\xaf" "outside/secret")
OPENS(overlong_dot, "\xc0\xae\xc0\xae/outside/secret")
OPENS(surrogate, "\xed\xa0\x80/../../outside/secret")

// Links the host has made.
OPENS(link_to_parent, "up/outside/secret")
OPENS(link_to_parent_with_a_slash, "up-slash/outside/secret")
OPENS(link_to_a_directory, "out/secret")
OPENS(link_to_a_file, "out-file")
OPENS(link_to_a_file_with_a_slash, "out-file/")
OPENS(link_to_nothing, "out-new")
OPENS(link_from_deep, "dir/up-up/outside/secret")
OPENS(link_to_a_link, "chain1")
OPENS(link_through_itself, "self")
OPENS(link_back_through_our_name, "home/secret")
OPENS(link_absolute, "absolute/secret")
OPENS(link_absolute_file, "absolute-file")
OPENS(link_to_the_root, "slash/etc/passwd")
OPENS(link_to_proc, "proc/etc/passwd")
OPENS(link_to_a_descriptor, "fd/../outside/secret")
OPENS(link_to_itself, "loop")
OPENS(link_then_parent, "out/../outside/secret")

// Long paths.
static char longest[70000];

static u32 repeated(const char *piece, u32 times, const char *end) {
    u32 at = 0;
    for (u32 i = 0; i < times; i++)
        for (u32 j = 0; piece[j]; j++) longest[at++] = piece[j];
    for (u32 j = 0; end[j]; j++) longest[at++] = end[j];
    return at;
}

ATTEMPT(long_of_dots) { return opens(ROOT, longest, repeated("./", 2030, "../outside/secret")); }
ATTEMPT(long_of_slashes) { return opens(ROOT, longest, repeated("/", 4000, "../outside/secret")); }
ATTEMPT(long_back_and_forth) { return opens(ROOT, longest, repeated("dir/../", 580, "../outside/secret")); }
ATTEMPT(long_too_long) { return opens(ROOT, longest, repeated("dir/../", 5000, "../outside/secret")); }
ATTEMPT(long_name) { return opens(ROOT, longest, repeated("x", 3000, "/../../outside/secret")); }
ATTEMPT(long_many_parents) { return opens(ROOT, longest, repeated("../", 1300, "etc/passwd")); }
ATTEMPT(length_beyond_memory) { return opens(ROOT, "../outside/secret", 0xffffffff); }
ATTEMPT(path_beyond_memory) { return opens(ROOT, (const char *)0xfffffff0, 17); }

// Every call that takes a path, at paths that lead out. Where such a call works on a link itself, it may.
#define FOR_EACH_PATH(path, length) \
    for (u32 i_ = 0, length = 0; i_ < sizeof ways / sizeof *ways; i_++) \
        for (const char *path = ways[i_]; path && ((length = length_of(path)), 1); path = 0)

static const char *const ways[] = {
    "../outside/secret", "dir/../../outside/secret", "up/outside/secret", "out/secret", "dir/up-up/outside/secret",
    "absolute/secret", "slash/etc/passwd", "home/secret", "/etc/passwd", "proc/etc/passwd",
};
static const char *const places[] = {
    "../outside/new", "dir/../../outside/new", "up/outside/new", "out/new", "dir/up-up/outside/new", "absolute/new",
    "home/new", "/tmp/wasmcy-escape", "../new", "up/new", "out-new/", "out-new/x",
};
#define FOR_EACH_PLACE(path, length) \
    for (u32 i_ = 0, length = 0; i_ < sizeof places / sizeof *places; i_++) \
        for (const char *path = places[i_]; path && ((length = length_of(path)), 1); path = 0)

ATTEMPT(stat) {
    char stat[64];
    FOR_EACH_PATH(path, length) if (!path_filestat_get(ROOT, FOLLOW, path, length, stat)) return 1;
    return !path_filestat_get(ROOT, FOLLOW, PATH("out-file"), stat) || !path_filestat_get(ROOT, 0, PATH(".."), stat);
}
ATTEMPT(set_times) {
    FOR_EACH_PATH(path, length) if (!path_filestat_set_times(ROOT, FOLLOW, path, length, 1, 1, 5)) return 1;
    return !path_filestat_set_times(ROOT, FOLLOW, PATH("out-file"), 1, 1, 5);
}
ATTEMPT(readlink) {
    char buffer[64];
    u32 used;
    return !path_readlink(ROOT, PATH("../outside/link"), buffer, 64, &used)
        || !path_readlink(ROOT, PATH("out/link"), buffer, 64, &used)
        || !path_readlink(ROOT, PATH("/proc/self/exe"), buffer, 64, &used)
        || !path_readlink(ROOT, PATH("proc/proc/self/exe"), buffer, 64, &used);
}
ATTEMPT(unlink) {
    FOR_EACH_PATH(path, length) if (!path_unlink_file(ROOT, path, length)) return 1;
    return !path_unlink_file(ROOT, PATH("out-file/"));
}
ATTEMPT(remove_directory) {
    return !path_remove_directory(ROOT, PATH("../outside/empty")) || !path_remove_directory(ROOT, PATH("out/empty"))
        || !path_remove_directory(ROOT, PATH("out-empty")) || !path_remove_directory(ROOT, PATH("out-empty/"))
        || !path_remove_directory(ROOT, PATH("..")) || !path_remove_directory(ROOT, PATH("."));
}
ATTEMPT(create_directory) {
    FOR_EACH_PLACE(path, length) if (!path_create_directory(ROOT, path, length)) return 1;
    return !path_create_directory(ROOT, PATH("out-new"));
}
ATTEMPT(create_link) {
    FOR_EACH_PLACE(path, length) if (!path_symlink(PATH("x"), ROOT, path, length)) return 1;
    return 0;
}
ATTEMPT(hard_link_in) {
    FOR_EACH_PATH(path, length)
        if (!path_link(ROOT, 0, path, length, ROOT, PATH("got"))
            || !path_link(ROOT, FOLLOW, path, length, ROOT, PATH("got"))) return 1;
    return 0;
}
ATTEMPT(hard_link_out) {
    FOR_EACH_PLACE(path, length) if (!path_link(ROOT, 0, PATH("file"), ROOT, path, length)) return 1;
    return 0;
}
ATTEMPT(hard_link_that_follows) {
    return !path_link(ROOT, FOLLOW, PATH("out-file"), ROOT, PATH("got"));
}
ATTEMPT(hard_link_to_a_link) {
    if (path_link(ROOT, 0, PATH("out-file"), ROOT, PATH("dir/deep/got"))) return 0;
    return opens(ROOT, PATH("dir/deep/got"));
}
ATTEMPT(rename_in) {
    FOR_EACH_PATH(path, length) if (!path_rename(ROOT, path, length, ROOT, PATH("got"))) return 1;
    return !path_rename(ROOT, PATH("../outside"), ROOT, PATH("got")) || !path_rename(ROOT, PATH("up"), ROOT, PATH("dir"));
}
ATTEMPT(rename_out) {
    FOR_EACH_PLACE(path, length)
        if (!path_rename(ROOT, PATH("file"), ROOT, path, length)
            || !path_rename(ROOT, PATH("dir"), ROOT, path, length)) return 1;
    return 0;
}
ATTEMPT(rename_the_root) {
    return !path_rename(ROOT, PATH("."), ROOT, PATH("got")) || !path_rename(ROOT, PATH("dir/.."), ROOT, PATH("got"))
        || !path_rename(ROOT, PATH("file"), ROOT, PATH("."));
}

// Links of its own.
ATTEMPT(own_absolute_link) {
    return !path_symlink(PATH("/etc/passwd"), ROOT, PATH("own")) && opens(ROOT, PATH("own"));
}
ATTEMPT(own_link) { return !path_symlink(PATH("../outside/secret"), ROOT, PATH("own")) && opens(ROOT, PATH("own")); }
ATTEMPT(own_link_moved_up) {
    path_create_directory(ROOT, PATH("a"));
    path_create_directory(ROOT, PATH("a/outside"));
    path_create_directory(ROOT, PATH("a/b"));
    if (path_symlink(PATH("../outside/secret"), ROOT, PATH("a/b/own"))) return 0;
    if (path_rename(ROOT, PATH("a/b/own"), ROOT, PATH("own"))) return 0;
    return opens(ROOT, PATH("own"));
}
ATTEMPT(own_chain) {
    static char name[2] = "A", target[2] = "B";
    for (int i = 0; i < 25; i++) {
        path_symlink(target, 1, ROOT, name, 1);
        name[0]++, target[0]++;
    }
    path_symlink(PATH("../outside/secret"), ROOT, PATH("Z"));
    return opens(ROOT, PATH("A")) || opens(ROOT, PATH("Z"));
}
ATTEMPT(own_link_in_the_middle) {
    path_symlink(PATH(".."), ROOT, PATH("dir/deep/own"));
    path_symlink(PATH("dir/deep/own/own2"), ROOT, PATH("own1"));
    path_symlink(PATH("../.."), ROOT, PATH("dir/own2"));
    return opens(ROOT, PATH("own1/outside/secret")) || opens(ROOT, PATH("dir/deep/own/own2/outside/secret"));
}

// Descriptors of directories.
ATTEMPT(parent_of_a_descriptor) {
    int fd = open_at(ROOT, PATH("dir/deep"), DIRECTORY, OF_DIRECTORIES);
    return fd < 0 ? 2 : opens(fd, PATH("..")) || opens(fd, PATH("../../file")) || opens(fd, PATH("../deep"));
}
ATTEMPT(descriptor_that_is_moved) {
    int fd = open_at(ROOT, PATH("dir/deep"), DIRECTORY, OF_DIRECTORIES);
    if (fd < 0 || path_rename(ROOT, PATH("dir/deep"), ROOT, PATH("moved"))) return 2;
    return opens(fd, PATH("../outside/secret")) || opens(fd, PATH("../../outside/secret"));
}
ATTEMPT(descriptor_that_is_removed) {
    path_create_directory(ROOT, PATH("gone"));
    int fd = open_at(ROOT, PATH("gone"), DIRECTORY, OF_DIRECTORIES);
    if (fd < 0 || path_remove_directory(ROOT, PATH("gone"))) return 2;
    return opens(fd, PATH("..")) || opens(fd, PATH("../../outside/secret")) || opens(fd, PATH("new"));
}
ATTEMPT(no_directory) {
    int fd = open_at(ROOT, PATH("file"), 0, READ);
    return fd < 0 ? 2 : opens(fd, PATH("../outside/secret")) || opens(fd, PATH("")) || opens(fd, PATH("."));
}
ATTEMPT(streams_are_no_directories) {
    return opens(0, PATH("etc/passwd")) || opens(1, PATH("etc/passwd")) || opens(2, PATH("."));
}
ATTEMPT(descriptors_that_are_not_open) {
    char stat[64];
    for (u32 fd = 5; fd < 2000; fd++)
        if (!fd_fdstat_get(fd, stat) || open_at(fd, PATH("file"), 0, READ) >= 0) return 1;
    return !fd_fdstat_get(-1, stat) || !fd_fdstat_get(0x80000000, stat) || opens(-100, PATH("etc/passwd"));
}
ATTEMPT(names_of_other_directories) {
    char prestat[8];
    return !fd_prestat_get(0, prestat) || !fd_prestat_get(5, prestat) || !fd_prestat_get(-1, prestat);
}
ATTEMPT(parent_in_a_listing) {  // ".." has the inode of the directory itself
    static u64 buffer[512];
    u32 used = 0;
    if (fd_readdir(ROOT, buffer, sizeof buffer, 0, &used) || used < 51) return 2;
    u64 own, parent;
    __builtin_memcpy(&own, (char *)buffer + 8, 8);
    __builtin_memcpy(&parent, (char *)buffer + 25 + 8, 8);
    return own != parent;
}
ATTEMPT(many_descriptors) {  // 0, 1, 2, 3 and 4 are open
    int n = 0;
    while (n < 5000 && open_at(ROOT, PATH("file"), 0, READ) >= 0) n++;
    return n > 1019;
}

// Rights, and the directory that is read-only.
ATTEMPT(read_only_opening) {
    return open_at(READ_ONLY, PATH("kept"), 0, WRITE) >= 0 || open_at(READ_ONLY, PATH("kept"), 0, READ | WRITE) >= 0
        || open_at(READ_ONLY, PATH("new"), CREAT, READ) >= 0 || open_at(READ_ONLY, PATH("kept"), TRUNC, READ) >= 0
        || open_at(READ_ONLY, PATH("kept"), CREAT | TRUNC, READ | WRITE) >= 0;
}
ATTEMPT(read_only_file) {
    int fd = open_at(READ_ONLY, PATH("kept"), 0, READ);
    return fd < 0 ? 2 : write_one(fd) || !fd_allocate(fd, 0, 100) || !fd_filestat_set_size(fd, 1)
        || !fd_filestat_set_times(fd, 1, 1, 5) || !fd_fdstat_set_rights(fd, EVERYTHING, EVERYTHING);
}
ATTEMPT(read_only_changes) {
    return !path_create_directory(READ_ONLY, PATH("new")) || !path_unlink_file(READ_ONLY, PATH("kept"))
        || !path_remove_directory(READ_ONLY, PATH("empty")) || !path_symlink(PATH("x"), READ_ONLY, PATH("new"))
        || !path_filestat_set_times(READ_ONLY, 0, PATH("kept"), 1, 1, 5);
}
ATTEMPT(read_only_rename) {
    return !path_rename(READ_ONLY, PATH("kept"), ROOT, PATH("got")) || !path_rename(ROOT, PATH("file"), READ_ONLY, PATH("new"))
        || !path_rename(READ_ONLY, PATH("kept"), READ_ONLY, PATH("new")) || !path_rename(ROOT, PATH("file"), READ_ONLY, PATH("kept"));
}
ATTEMPT(read_only_hard_link) {  // would be writable under its other name
    return !path_link(READ_ONLY, 0, PATH("kept"), ROOT, PATH("got")) || !path_link(ROOT, 0, PATH("file"), READ_ONLY, PATH("new"));
}
ATTEMPT(read_only_subdirectory) {
    int fd = open_at(READ_ONLY, PATH("empty"), DIRECTORY, 0x4000 | 0x2000 | READ);
    return fd < 0 ? 2 : open_at(fd, PATH("new"), CREAT, READ | WRITE) >= 0 || !path_create_directory(fd, PATH("new"))
        || !fd_fdstat_set_rights(fd, EVERYTHING, EVERYTHING);
}
ATTEMPT(rights_that_were_given_up) {
    u32 fd;
    if (path_open(ROOT, 0, PATH("dir"), DIRECTORY, 0x2000, READ, 0, &fd)) return 2;
    return open_at(fd, PATH("new"), CREAT, READ) >= 0 || open_at(fd, PATH("new"), CREAT, WRITE) >= 0
        || !path_create_directory(fd, PATH("new")) || !fd_fdstat_set_rights(fd, EVERYTHING, EVERYTHING);
}
ATTEMPT(writing_what_is_open_for_reading) {
    int fd = open_at(ROOT, PATH("file"), 0, READ);
    return fd < 0 ? 2 : write_one(fd) || !fd_filestat_set_size(fd, 0);
}
ATTEMPT(renumbered_read_only) {  // a number passes nothing on
    if (fd_renumber(READ_ONLY, ROOT)) return 2;
    return open_at(ROOT, PATH("kept"), 0, WRITE) >= 0 || !path_unlink_file(ROOT, PATH("kept"))
        || open_at(READ_ONLY, PATH("kept"), 0, READ) >= 0;
}
ATTEMPT(closed_directory) {
    if (fd_close(ROOT)) return 2;
    return opens(ROOT, PATH("file"));
}

// While a thread of the host swaps "x", a directory, and a link to "outside".
#define RACE(name, act) ATTEMPT(race_##name) { for (int n = 0; n < 1500; n++) { act } return 0; }
RACE(read, { int fd = open_at(ROOT, PATH("x/secret"), 0, READ); if (fd >= 0) { if (tells(fd)) return 1; fd_close(fd); } })
RACE(write, { int fd = open_at(ROOT, PATH("x/secret"), 0, WRITE); if (fd >= 0) { write_one(fd); fd_close(fd); } })
RACE(create, { int fd = open_at(ROOT, PATH("x/new"), CREAT, WRITE); if (fd >= 0) fd_close(fd); })
RACE(truncate, { int fd = open_at(ROOT, PATH("x/secret"), TRUNC, WRITE); if (fd >= 0) fd_close(fd); })
RACE(make_directory, { path_create_directory(ROOT, PATH("x/made")); path_remove_directory(ROOT, PATH("x/made")); })
RACE(remove, { path_unlink_file(ROOT, PATH("x/secret")); path_remove_directory(ROOT, PATH("x/empty")); })
RACE(move_in, { path_rename(ROOT, PATH("x/secret"), ROOT, PATH("dir/got")); path_rename(ROOT, PATH("dir/got"), ROOT, PATH("x/secret")); })
RACE(move_out, { path_rename(ROOT, PATH("file"), ROOT, PATH("x/file")); path_rename(ROOT, PATH("x/file"), ROOT, PATH("file")); })
RACE(hard_link, { path_link(ROOT, 0, PATH("x/secret"), ROOT, PATH("dir/got")); path_unlink_file(ROOT, PATH("dir/got")); })
RACE(make_link, { path_symlink(PATH("y"), ROOT, PATH("x/own")); path_unlink_file(ROOT, PATH("x/own")); })
RACE(touch, { path_filestat_set_times(ROOT, FOLLOW, PATH("x/secret"), 1, 1, 5); })
RACE(list, {
    static char buffer[4096];
    u32 used = 0;
    int fd = open_at(ROOT, PATH("x"), DIRECTORY, 0x4000);
    if (fd < 0) continue;
    if (!fd_readdir(fd, buffer, sizeof buffer, 0, &used))
        for (u32 i = 0; i + 10 < used; i++)
            if (buffer[i] == 'o' && buffer[i + 3] == 's' && buffer[i + 7] == 'r') return 1;  // "outsider"
    fd_close(fd);
})
